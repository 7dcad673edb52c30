# SPDX-License-Identifier: Apache-2.0
"""What Masakari asks of Nova, and how Nova can answer.

There is one real implementation (:mod:`masakari.nova.client`) and one over
the simulator's model; the cases in ``tests/contract`` hold for both. Every
call has a time limit and is safe to be made from several threads.
"""

import contextlib
import contextvars
import datetime
from collections.abc import Callable, Iterator
from typing import Protocol

from masakari import exception
from masakari.domain.server import (
    Aggregate,
    ComputeService,
    Migration,
    Server,
)


class ComputeError(exception.MasakariException):
    """Nova, or Keystone on the way to it, did not do what was asked."""


class NotFound(ComputeError, exception.NotFound):
    """Nova knows no such server, service or aggregate (404)."""


class Refused(ComputeError):
    """Nova understood and said no: asking again changes nothing by itself.

    :param code: the HTTP status, for instance 400, 403 or 409
    """

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code

    @property
    def conflict(self) -> bool:
        """The server is busy or in the wrong state; that may pass (409)."""
        return self.code == 409


class Denied(Refused):
    """Masakari's own account cannot use Nova, whatever it asks for.

    Its credentials are wrong, it is no administrator, or the catalogue does
    not list Nova where it is looked for.
    """


class Unavailable(ComputeError, exception.ServiceUnavailable):
    """No answer, or 429 or 5xx.

    :param retry_after: seconds that Nova asked to wait, if it did
    :param in_doubt: it may have been done, or be done yet; otherwise it was
        not, unless Nova's own records show it
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        in_doubt: bool = True,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.in_doubt = in_doubt


#: Statuses that a proxy answers with, or Nova in its place, when it does not
#: know what has become of the request.
DOUBTFUL = frozenset({408, 502, 504})


#: Whether a call that changes something may still be sent.
_fence: contextvars.ContextVar[Callable[[], None] | None] = (
    contextvars.ContextVar("fence", default=None)
)


@contextlib.contextmanager
def fenced(check: Callable[[], None] | None) -> Iterator[None]:
    """Have ``check`` called right before a request of this thread leaves.

    What it raises comes out of the call instead, and nothing is sent. An
    engine may be suspended for long at any moment, and a call prepares much
    before it sends something: it renews its token, it waits for a thread.
    """
    token = _fence.set(check)
    try:
        yield
    finally:
        _fence.reset(token)


def about_to_send() -> None:
    """Implementations of the port call it at the last moment.

    :raises MasakariException: the request may not be sent any more
    """
    check = _fence.get()
    if check is not None:
        check()


class ComputePort(Protocol):
    """Nova, as far as recovering machines needs it.

    Every method raises :class:`NotFound`, :class:`Refused` or
    :class:`Unavailable`.
    """

    def for_claim(
        self,
        request_id: str | None,
        check: Callable[[], None] | None = None,
    ) -> "ComputePort":
        """The same port, for who works on one notification.

        :param request_id: what its calls carry to Nova's log
        :param check: called whenever a request that changes something is
            about to leave; see :func:`fenced`
        """

    @property
    def account(self) -> str:
        """Who asks, for people, as the beginning of a sentence."""

    @property
    def evacuates_stopped(self) -> bool:
        """Whether Nova can leave an evacuated server stopped (2.95)."""

    def compute_service(self, host: str) -> ComputeService:
        """The ``nova-compute`` service whose host is exactly ``host``."""

    def compute_services(self) -> list[ComputeService]:
        """All ``nova-compute`` services."""

    def enable_service(self, service_id: str) -> None: ...

    def disable_service(self, service_id: str, reason: str | None) -> None:
        """Take the service out of scheduling, with a reason or without.

        While the service still counts as up, Nova tells the compute host
        about it and waits for the answer of a host that may be dead.
        """

    def force_down(self, service_id: str, forced_down: bool) -> None: ...

    def servers_on(self, host: str) -> list[Server]:
        """All servers of all projects on ``host``, whatever their number."""

    def any_server(self) -> Server | None:
        """One of any project, as recoveries see it; None if there is none."""

    def server(self, uuid: str) -> Server: ...

    def evacuate(
        self, uuid: str, *, target: str | None = None, stopped: bool = False
    ) -> None:
        """Rebuild a server of a dead host elsewhere; returns when accepted.

        :param target: the host to use; None lets the scheduler choose
        :param stopped: leave it stopped; only where ``evacuates_stopped``
        """

    def evacuations(
        self, source_host: str, since: datetime.datetime | None = None
    ) -> list[Migration]:
        """Evacuation records of a source host, oldest first.

        :param since: only those changed at or after it (naive UTC); a
            record not changed since it was made may be left out
        """

    def stop(self, uuid: str) -> None: ...

    def start(self, uuid: str) -> None: ...

    def reboot(self, uuid: str) -> None:
        """Start its guest anew (``HARD``), also one in ``error``."""

    def reset_state(self, uuid: str, state: str) -> None:
        """Set ``vm_state`` to ``active`` or ``error``; clears task_state."""

    def lock(self, uuid: str) -> None: ...

    def unlock(self, uuid: str) -> None: ...

    def aggregates(self) -> list[Aggregate]: ...

    def add_host_to_aggregate(self, aggregate_id: int, host: str) -> None: ...

    def remove_host_from_aggregate(
        self, aggregate_id: int, host: str
    ) -> None: ...
