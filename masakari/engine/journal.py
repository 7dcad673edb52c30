# SPDX-License-Identifier: Apache-2.0
"""The one writer of what a recovery does.

Every write is one transaction that first renews the claim, so an engine
that has lost it cannot write. While the database is away, a write is tried
again for as long as the lease may still be held.
"""

import functools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

import tenacity

from masakari import exception
from masakari.db import (
    claims,
    due,
    hosts,
    moves,
    notifications,
    outages,
    reserves,
    turns,
)
from masakari.db.session import Database
from masakari.domain.model import (
    Claim,
    Host,
    Notification,
    Outcome,
    ProcessOutage,
    Reserve,
    VMove,
)
from masakari.domain.planner.host import HostPlan, Origin, PlannedMove
from masakari.domain.verdict import Verdict
from masakari.engine.announcements import Announcements
from masakari.engine.clock import Clock
from masakari.engine.lease import Lease

T = TypeVar("T")

#: Seconds between two tries while the database is away.
PAUSE = 1.0


class Journal:
    """What is written of one recovery, and told of what is written.

    :param announcements: tell the bus after each commit
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        lease: Lease,
        announcements: Announcements,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._claim = lease.claim
        self._announcements = announcements

    def take_out_of_service(self, host: Host) -> None:
        """Put the failed host on maintenance; it is no reserve any more."""
        self._announcements.host_changed(
            self._write(_take_out_of_service, host.uuid)
        )

    def begin_outage(self, host: Host, outage: ProcessOutage) -> None:
        """Put a host on maintenance until its process starts again."""
        self._announcements.host_changed(
            self._write(outages.begin, host.uuid, outage)
        )

    def end_outage(self, host: Host) -> None:
        self._announcements.host_changed(self._write(outages.end, host.uuid))

    def outage(self, host: Host) -> ProcessOutage | None:
        return self._read(outages.of_host, host.uuid)

    def reserve_candidates(self, failed: Host) -> list[Host]:
        """See :func:`masakari.db.reserves.candidates`."""
        return self._read(reserves.candidates, failed, self._uuid)

    def reserves(self) -> list[Reserve]:
        """What the notification has taken."""
        return self._read(reserves.taken_by, self._uuid)

    def take_reserve(self, reserve: Reserve) -> bool:
        """Take a reserved host; False when it is not to be had."""
        host = self._write(reserves.take, reserve, self._uuid)
        if host is not None:
            self._announcements.host_changed(host)
        return host is not None

    def give_back(self, reserve: Reserve) -> None:
        """It is reserved again."""
        self._announcements.host_changed(
            self._write(reserves.give_back, reserve.host.uuid, self._uuid)
        )

    def set_reserved(self, host_name: str, reserved: bool) -> None:
        """For tasks of third parties.

        :raises HostNotFound: there is no such host
        """
        host = self._read(hosts.by_name, host_name)
        if host is None:
            raise exception.HostNotFound(uuid=host_name)
        self._announcements.host_changed(
            self._write(_set_reserved, host.uuid, reserved)
        )

    def record_plan(self, source_host: str, plan: HostPlan) -> None:
        self._announcements.planned(
            self._write(
                moves.add,
                notification_uuid=self._uuid,
                source_host=source_host,
                attempt=self._claim.attempt,
                plan=plan,
            )
        )

    def mark_ongoing(self, vmove_uuids: Sequence[str]) -> None:
        self._announcements.moved(
            self._write(_mark_ongoing, self._claim, vmove_uuids)
        )

    def note(self, messages: Mapping[str, str]) -> None:
        """Say why moves that go on have not worked so far.

        :param messages: by the uuid of the vmove
        """
        if messages:
            self._write(_note, messages)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        self._announcements.moved(self._write(moves.settle, outcomes))

    def begin(self) -> None:
        """Say that the work has begun."""
        self._announcements.begun(
            self._claim.notification, self._claim.attempt
        )

    def go_on(self) -> None:
        """Say that what it has waited for is there."""
        self._write(claims.go_on, self._claim)

    def finish(self, verdict: Verdict, *, retry_in: float) -> None:
        """Write the result and release the claim, in one transaction."""
        ended = self._patiently(
            functools.partial(
                self._database.write,
                claims.finish,
                self._claim,
                verdict,
                lease=self._lease.seconds,
                retry_in=retry_in,
            )
        )
        self._announcements.moved(ended)
        self._announcements.ended(self._claim.notification, verdict)

    def put_back(self, wait: exception.RecoveryWaits) -> bool:
        """Release the claim; see :func:`masakari.db.claims.put_back`."""
        return self._patiently(
            functools.partial(
                self._database.write,
                claims.put_back,
                self._claim,
                str(wait),
                waiting_for=wait.reason,
                lease=self._lease.seconds,
            )
        )

    def hand_back(self) -> None:
        """Release the claim for another engine to go on at once."""
        self._patiently(
            functools.partial(
                self._database.write, claims.hand_back, self._claim
            )
        )

    def host_is_failing(self) -> bool:
        """Whether the whole host has been reported meanwhile."""
        return self._read(
            due.host_is_failing, self._claim.notification.source_host_uuid
        )

    def recovered_hosts(self) -> set[str]:
        """See :func:`masakari.db.due.recovered_hosts`."""
        return self._read(due.recovered_hosts)

    def failing_hosts(self) -> set[str]:
        """See :func:`masakari.db.due.failing_hosts`."""
        return self._read(due.failing_hosts)

    def later_reports(self) -> list[Notification]:
        """What was reported since of the same kind, and the same host."""
        notification = self._claim.notification
        return self._read(
            functools.partial(
                notifications.of_host,
                host_uuid=notification.source_host_uuid,
                type=notification.type,
                after=notification.id,
            )
        )

    def evacuated_from(self, host: Host, instance_uuid: str) -> VMove | None:
        """The latest evacuation of an instance from a host."""
        return self._read(moves.evacuated_from, instance_uuid, host.name)

    def moves_of_attempt(self) -> list[PlannedMove]:
        return self._read(moves.of_attempt, self._uuid, self._claim.attempt)

    def has_unsettled_moves(self) -> bool:
        """Whether the attempt has instances whose end is not known yet."""
        return any(planned.unsettled for planned in self.moves_of_attempt())

    def latest_moves(self) -> list[PlannedMove]:
        """The latest move of every instance, over all attempts."""
        return self._read(moves.latest, self._uuid)

    def left_behind(
        self, source_host: str, instance_uuids: Sequence[str]
    ) -> dict[str, Origin]:
        """See :func:`masakari.db.moves.left_behind`."""
        return self._read(moves.left_behind, source_host, instance_uuids)

    def under_way(self, instance_uuids: Sequence[str]) -> dict[str, Origin]:
        """See :func:`masakari.db.moves.under_way`."""
        return self._read(moves.under_way, self._uuid, instance_uuids)

    def being_restarted(self, instance_uuids: Collection[str]) -> set[str]:
        """See :func:`masakari.db.notifications.being_restarted`."""
        return self._read(notifications.being_restarted, instance_uuids)

    @property
    def _uuid(self) -> str:
        return self._claim.notification.uuid

    def _read(self, function: Callable[..., T], *args: Any) -> T:
        return self._patiently(
            functools.partial(self._database.read, function, *args)
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


def _take_out_of_service(session: Any, host_uuid: str) -> Host:
    turns.take(session, host_uuid)
    outages.forget(session, host_uuid)
    return hosts.update(
        session, host_uuid, on_maintenance=True, reserved=False
    )


def _mark_ongoing(
    session: Any, claim: Claim, vmove_uuids: Sequence[str]
) -> list[VMove]:
    claims.note_request(session, claim)
    return moves.mark_ongoing(session, vmove_uuids)


def _set_reserved(session: Any, host_uuid: str, reserved: bool) -> Host:
    turns.take(session, host_uuid)
    return hosts.update(session, host_uuid, reserved=reserved)


def _note(session: Any, messages: Mapping[str, str]) -> None:
    for uuid, message in messages.items():
        moves.note(session, uuid, message)
