# SPDX-License-Identifier: Apache-2.0
"""Failures of the simulated cloud, on demand."""

import contextlib
import dataclasses
import enum
from collections.abc import Iterator
from http import HTTPStatus

from masakari.simulator.records import CloudError

#: What Keystone is asked for, in the words of :meth:`Faults.add`.
LOGIN = "authenticate"


class Kind(enum.StrEnum):
    """What happens to a call, besides an HTTP error."""

    HANG = "hang"  #: no answer, and nothing was done
    TIMEOUT = "timeout"  #: no answer, although it was done
    LATE = "late"  #: no answer, and done ``seconds`` after the call
    LOST = "lost"  #: accepted, and never done
    FAIL = "fail"  #: accepted, and ends in an error (evacuate, rebuild)
    CLAIM = "claim"  #: the destination has no room: the server stays as it is
    SLOW = "slow"  #: done, and answered ``seconds`` late


#: What is no passing trouble.
_FOR_GOOD = frozenset({400, 404, 409, Kind.FAIL, Kind.CLAIM})


@dataclasses.dataclass(slots=True, kw_only=True)
class Fault:
    """One rule; see :meth:`Faults.add`.

    :ivar used: how often it has decided a call
    """

    verb: str
    outcome: int | Kind
    message: str
    server: str | None
    host: str | None
    caller: str | None
    left: int | None
    until: float | None
    retry_after: float | None
    seconds: float
    used: int = 0

    def error(self) -> CloudError:
        """The answer of a rule whose outcome is an HTTP status."""
        return CloudError(
            int(self.outcome), self.message, retry_after=self.retry_after
        )

    def use(self) -> "Fault":
        """Note that it has decided a call."""
        if self.left is not None:
            self.left -= 1
        self.used += 1
        return self

    def _covers(self, wanted: str | None, got: str | None) -> bool:
        return wanted is None or wanted == got

    def matches(
        self,
        verb: str,
        server: str | None,
        host: str | None,
        caller: str | None,
        now: float,
    ) -> bool:
        return (
            self.verb in ("*", verb)
            and self._covers(self.server, server)
            and self._covers(self.host, host)
            and self._covers(self.caller, caller)
            and (self.until is None or now < self.until)
            and self.left != 0
        )


def _text(outcome: int | Kind) -> str:
    if isinstance(outcome, Kind):
        return f"The simulated cloud was told to {outcome}."
    try:
        return HTTPStatus(outcome).phrase
    except ValueError:
        return "Error"


class Faults:
    """The rules in force; the first that matches a call decides it.

    :ivar refusals: the reasons that have been given for good
    """

    def __init__(self) -> None:
        self.refusals: set[str] = set()
        self._rules: list[Fault] = []

    def add(
        self,
        verb: str,
        outcome: int | str,
        *,
        message: str | None = None,
        server: str | None = None,
        host: str | None = None,
        caller: str | None = None,
        times: int | None = None,
        until: float | None = None,
        retry_after: float | None = None,
        seconds: float = 0.0,
    ) -> Fault:
        """Make calls fail.

        :param verb: a method of the compute port, ``rebuild`` for the work
            at a destination, ``authenticate`` for Keystone, or ``*``
        :param outcome: an HTTP status or a :class:`Kind`
        :param message: the reason that is given with it
        :param server: only calls about this server; None means any
        :param host: only calls about this host or about a server on it
            (for ``rebuild``: the destination); None means any
        :param caller: only calls of this one; None means of anybody
        :param times: how often it happens; None means always
        :param until: epoch seconds; None means for ever
        :param retry_after: seconds, sent with a 429 or 503
        :param seconds: how late a slow answer comes, or what is done late is
            done
        """
        told = outcome if isinstance(outcome, int) else Kind(outcome)
        fault = Fault(
            verb=verb,
            outcome=told,
            message=message or _text(told),
            server=server,
            host=host,
            caller=caller,
            left=times,
            until=until,
            retry_after=retry_after,
            seconds=seconds,
        )
        self._rules.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        self._rules.remove(fault)

    def clear(self) -> None:
        self._rules.clear()

    @contextlib.contextmanager
    def spared(self) -> Iterator[None]:
        """Nobody meets one meanwhile."""
        rules, self._rules = self._rules, []
        try:
            yield
        finally:
            self._rules = rules

    def take(
        self,
        verb: str,
        *,
        server: str | None = None,
        host: str | None = None,
        caller: str | None = None,
        now: float,
    ) -> Fault | None:
        """The rule for a call, used once; None when nothing fails."""
        for fault in self._rules:
            if fault.matches(verb, server, host, caller, now):
                if fault.outcome in _FOR_GOOD:
                    self.refusals.add(fault.message)
                return fault.use()
        return None

    def take_login(self, *, caller: str | None, now: float) -> Fault | None:
        """The same for a log-in on the way to a call, if that alone fails."""
        for fault in self._rules:
            alone = fault.verb == LOGIN
            if alone and fault.matches(LOGIN, None, None, caller, now):
                return fault.use()
        return None
