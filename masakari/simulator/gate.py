# SPDX-License-Identifier: Apache-2.0
"""Every call to the simulated cloud: counted, shown to a hook, failed."""

import collections
import contextlib
import dataclasses
import threading
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from masakari.nova import port
from masakari.simulator.faults import Fault, Faults, Kind
from masakari.simulator.records import CloudError, State

T = TypeVar("T")

When = Literal["before", "sent", "after"]

_FATES = (Kind.FAIL, Kind.CLAIM)
_SILENT = (Kind.HANG, Kind.TIMEOUT, Kind.LATE)


class NoAnswer(Exception):
    """The call is never answered; whoever made it waits until it tires."""


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One call; ``subject`` is the server or host it is about."""

    at: float
    verb: str
    subject: str
    detail: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """:param delay: seconds that the answer takes"""

    value: T
    delay: float


class Gate:
    """What stands between callers and the model.

    :ivar late: the calls that are still to be done
    :ivar on_call: called with "before" and "after" around each call, and
        with "sent" when a call that changes something leaves the caller,
        without any lock held; what it raises reaches the caller, and before
        the call that means it is not made
    :ivar caller: tells who calls in this thread, for faults that only some
        callers meet
    """

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self.late: list[Call] = []
        self.counts: collections.Counter[str] = collections.Counter()
        self.on_call: Callable[[When, Call], None] | None = None
        self.caller: Callable[[], str | None] = lambda: None

    def _tell(self, when: When, call: Call) -> None:
        if self.on_call is not None:
            self.on_call(when, call)

    def _host_of(self, server: str | None) -> str | None:
        record = self._state.servers.get(server or "")
        return record.host if record else None

    def _begin(
        self, verb: str, server: str | None, host: str | None, detail: str
    ) -> Call:
        now = self._state.now
        return Call(now, verb, server or host or "", detail)

    def _enter(
        self, call: Call, server: str | None, host: str | None
    ) -> Fault | None:
        self._state.timeline.run_due()
        self.calls.append(call)
        self.counts[call.verb] += 1
        fault = self._faults.take(
            call.verb,
            server=server,
            host=host or self._host_of(server),
            caller=self.caller(),
            now=self._state.now,
        )
        if fault is None or isinstance(fault.outcome, Kind):
            return fault
        raise fault.error()

    def log_in(self) -> float:
        """What is in the way to a call, where Keystone is not asked itself.

        :returns: how many seconds it takes
        :raises CloudError: a fault
        :raises NoAnswer: a fault
        """
        with self.lock:
            fault = self._faults.take_login(
                caller=self.caller(), now=self._state.now
            )
        if fault is None:
            return 0.0
        if isinstance(fault.outcome, Kind):
            if fault.outcome in _SILENT:
                raise NoAnswer
            return fault.seconds
        raise fault.error()

    def _delay(self, fault: Fault | None, seconds: float = 0.0) -> float:
        slow = fault.seconds if fault else 0.0
        return self._state.settings.latency + seconds + slow

    def read(
        self,
        verb: str,
        action: Callable[[], T],
        *,
        server: str | None = None,
        host: str | None = None,
    ) -> Answer[T]:
        """Ask the model something.

        :raises CloudError: the model's refusal, or a fault
        :raises NoAnswer: a fault
        """
        call = self._begin(verb, server, host, "")
        self._tell("before", call)
        try:
            with self.lock:
                fault = self._enter(call, server, host)
                if fault and fault.outcome in _SILENT:
                    raise NoAnswer
                return Answer(action(), self._delay(fault))
        finally:
            self._tell("after", call)

    def write(
        self,
        verb: str,
        action: Callable[[Fault | None], float | None],
        *,
        server: str | None = None,
        host: str | None = None,
        detail: str = "",
        loses: bool = False,
    ) -> Answer[None]:
        """Have the model do something.

        :param action: gets the fate it is to meet, if any; returns how many
            seconds longer than usual its answer takes
        :param loses: ``action`` knows how to be lost by itself
        :raises CloudError: the model's refusal, or a fault
        :raises NoAnswer: a fault
        """
        call = self._begin(verb, server, host, detail)
        self._tell("before", call)
        try:
            port.about_to_send()
            self._tell("sent", call)
            with self.lock:
                fault = self._enter(call, server, host)
                return self._do(call, fault, action, loses)
        finally:
            self._tell("after", call)

    def _do(
        self,
        call: Call,
        fault: Fault | None,
        action: Callable[[Fault | None], float | None],
        loses: bool,
    ) -> Answer[None]:
        kind = fault.outcome if fault else None
        if kind == Kind.HANG:
            raise NoAnswer
        if kind == Kind.LOST and not loses:
            return Answer(None, self._delay(fault))
        if fault is not None and kind == Kind.LATE:
            self._later(fault.seconds, call, action)
            raise NoAnswer
        fate = fault if kind in _FATES or kind == Kind.LOST else None
        seconds = action(fate) or 0.0
        if kind == Kind.TIMEOUT:
            raise NoAnswer
        return Answer(None, self._delay(fault, seconds))

    def _later(
        self, seconds: float, call: Call, action: Callable[[None], object]
    ) -> None:
        """Nobody waits for the answer, a refusal neither."""

        def do() -> None:
            self.late.remove(call)
            with contextlib.suppress(CloudError):
                action(None)

        self.late.append(call)
        self._state.timeline.after(seconds, do)
