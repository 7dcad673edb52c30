# SPDX-License-Identifier: Apache-2.0
"""The one writer of what a recovery does.

Every write is one transaction that first renews the claim, so an engine
that has lost it cannot write. While the database is away, a write is tried
again for as long as the lease may still be held.
"""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import tenacity

from masakari import exception
from masakari.db import claims, hosts, moves
from masakari.db.moves import Outcome, PlannedMove
from masakari.db.session import Database
from masakari.domain.model import Host
from masakari.domain.planner.host import HostPlan, Origin
from masakari.domain.verdict import Verdict
from masakari.engine.clock import Clock
from masakari.engine.lease import Lease

T = TypeVar("T")

#: Seconds between two tries while the database is away.
PAUSE = 1.0


class Journal:
    def __init__(self, database: Database, clock: Clock, lease: Lease) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._claim = lease.claim

    def take_out_of_service(self, host: Host) -> None:
        """Put the failed host on maintenance; it is no reserve any more."""
        self._write(
            hosts.update, host.uuid, on_maintenance=True, reserved=False
        )

    def record_plan(self, source_host: str, plan: HostPlan) -> None:
        self._write(
            moves.add,
            notification_uuid=self._claim.notification.uuid,
            source_host=source_host,
            attempt=self._claim.attempt,
            plan=plan,
        )

    def mark_ongoing(self, vmove_uuids: Sequence[str]) -> None:
        self._write(moves.mark_ongoing, vmove_uuids)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        self._write(moves.settle, outcomes)

    def finish(self, verdict: Verdict, *, retry_in: float) -> None:
        """Write the result and release the claim, in one transaction."""
        self._patiently(
            functools.partial(
                self._database.write,
                claims.finish,
                self._claim,
                verdict,
                lease=self._lease.seconds,
                retry_in=retry_in,
            )
        )

    def hand_back(self) -> None:
        """Release the claim for another engine to go on at once."""
        self._patiently(
            functools.partial(
                self._database.write, claims.hand_back, self._claim
            )
        )

    def moves_of_attempt(self) -> list[PlannedMove]:
        return self._patiently(
            functools.partial(
                self._database.read,
                moves.of_attempt,
                self._claim.notification.uuid,
                self._claim.attempt,
            )
        )

    def latest_moves(self) -> list[PlannedMove]:
        """The latest move of every instance, over all attempts."""
        return self._patiently(
            functools.partial(
                self._database.read,
                moves.latest,
                self._claim.notification.uuid,
            )
        )

    def left_behind(
        self, source_host: str, instance_uuids: Sequence[str]
    ) -> dict[str, Origin]:
        """See :func:`masakari.db.moves.left_behind`."""
        return self._patiently(
            functools.partial(
                self._database.read,
                moves.left_behind,
                source_host,
                instance_uuids,
            )
        )

    def _write(
        self, function: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        asked_at = self._clock.monotonic()
        result = self._patiently(
            functools.partial(
                self._database.write,
                claims.while_held,
                self._claim,
                self._lease.seconds,
                lambda session: function(session, *args, **kwargs),
            )
        )
        self._lease.extend(asked_at=asked_at)
        return result

    def _patiently(self, transaction: Callable[[], T]) -> T:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(
                exception.ServiceUnavailable
            ),
            stop=lambda _state: not self._lease.held,
            wait=tenacity.wait_fixed(PAUSE),
            sleep=self._sleep,
            before=lambda _state: self._lease.check(),
            reraise=True,
        )
        return retrying(transaction)

    def _sleep(self, seconds: float) -> None:
        """Wait although the engine may be stopping: this has to be written."""
        self._clock.wait(threading.Event(), seconds)
