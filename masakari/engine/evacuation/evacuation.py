# SPDX-License-Identifier: Apache-2.0
"""The loop that moves the instances of a failed host."""

import datetime
from collections.abc import Callable

from masakari import exception
from masakari.domain.model import VMoveStatus
from masakari.domain.planner.host import PlannedMove
from masakari.domain.server import Migration, Server
from masakari.engine.evacuation.background import Background
from masakari.engine.evacuation.compute_hosts import ComputeHosts
from masakari.engine.evacuation.flight import Flight, Phase
from masakari.engine.evacuation.flights import Flights, Route
from masakari.engine.evacuation.launching import NO_HOST, Launcher
from masakari.engine.evacuation.records import EvacuationRecords
from masakari.engine.evacuation.settling import Settler
from masakari.engine.evacuation.troubles import Troubles
from masakari.engine.evacuation.watching import Watch
from masakari.engine.recovery import Recovery


class Evacuation:
    """The moves of one attempt that have not ended yet.

    :param route: where they go
    :param report: takes a message and the progress between 0 and 1
    """

    def __init__(
        self,
        recovery: Recovery,
        route: Route,
        report: Callable[[str, float], None],
    ) -> None:
        world = recovery.world
        self._recovery = recovery
        self._clock = world.clock
        self._report = report
        self._reported = 0
        self._stop_at: float | None = None
        self._servers = recovery.servers or {}
        self._records = EvacuationRecords(recovery.compute, recovery.host.name)
        self._flights = Flights(
            world.slots,
            recovery.key,
            route,
            timeout=world.settings.evacuation_timeout,
        )
        self._background = Background(world.calls, world.clock, recovery.lease)
        self._hosts = ComputeHosts(recovery)
        self._watch = Watch(
            recovery, self._flights, self._records, self._hosts
        )
        self._settler = Settler(
            recovery, self._flights, self._background, self._hosts
        )
        self._troubles = Troubles(recovery, route.target)

    def run(self) -> int:
        """Move until every move has ended and is recorded.

        Or until the others cannot go where this route leads: they are to be
        sent elsewhere at once, and what is in flight then goes on and is
        followed by whoever sends them.

        :returns: how many were refused
        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the engine stops; the rest is handed on
        :raises RecoveryWaits: Nova or a destination is missing
        :raises Denied: Nova does not take our credentials
        """
        try:
            self._board()
            launcher = Launcher(
                self._recovery,
                self._flights,
                self._background,
                self._watch,
                self._hosts,
            )
            while not self._flights.nothing_left_to_do:
                self._step(launcher)
                self._check_can_go_on(launcher)
                self._background.wait(self._pause())
            return self._note_refused()
        finally:
            self._background.close()

    def _step(self, launcher: Launcher) -> None:
        self._recovery.lease.check()
        self._background.handle_answers()
        self._watch.look()
        self._settler.read_servers()
        if self._recovery.expired:
            self._flights.expire()
        if self._recovery.world.stopping.is_set():
            self._finish_what_is_in_flight()
        else:
            launcher.launch()
        self._record()
        self._troubles.note(self._flights.tried_again)

    def _check_can_go_on(self, launcher: Launcher) -> None:
        """Leave when nothing happens until something is back.

        :raises RecoveryWaits: what that is
        """
        now = self._clock.monotonic()
        ready = self._flights.open(Phase.READY)
        unanswered = self._flights.open(Phase.UNANSWERED)
        if not (ready or unanswered) or not self._flights.idle:
            return
        if self._flights.awaited(now=now):
            return
        name = self._recovery.host.name
        limit = self._recovery.world.settings.evacuation_timeout
        only_unanswered = bool(unanswered) and not ready
        if only_unanswered or self._hosts.unknown_for >= limit:
            trouble = next((f.trouble for f in unanswered), "")
            raise exception.RecoveryWaits(
                f"Nova cannot be asked for {len(ready + unanswered)} "
                f"instances of host {name}. {trouble}".strip(),
                reason="nova",
            )
        if launcher.has_nowhere_to_send:
            raise exception.RecoveryWaits(
                f"{len(ready + unanswered)} instances of host {name} wait. "
                f"{NO_HOST}",
                reason="destination",
            )

    def _pause(self) -> float:
        """Seconds until there is something to do, if Nova says nothing."""
        if self._flights.nothing_left_to_do:
            return 0.0
        now = self._clock.monotonic()
        times = [now + self._recovery.world.settings.verify_interval]
        times += [
            flight.due_at
            for flight in self._flights.open(Phase.LOOKING, Phase.READY)
            if flight.due_at > now
        ]
        if self._flights.open(Phase.FLYING) or self._flights.awaited(now=now):
            times.append(self._watch.next_at)
        return max(0.0, min(times) - now)

    def _note_refused(self) -> int:
        refused = self._flights.open(Phase.REFUSED)
        self._troubles.note(refused)
        return len(refused)

    def _finish_what_is_in_flight(self) -> None:
        """The engine was told to stop: start nothing, hand on the rest."""
        now = self._clock.monotonic()
        if self._stop_at is None:
            self._stop_at = now + self._recovery.world.watch_timeout
        begun = any(flight.begun for flight in self._flights.open())
        if begun and now < self._stop_at:
            return
        self._record()
        if self._flights.open():
            raise exception.RecoveryInterrupted(
                uuid=self._recovery.notification.uuid
            )

    def _board(self) -> None:
        """Start from what Nova shows, whatever another engine has done."""
        self._recovery.persistently(self._records.refresh)
        self._flights.take_up(
            [
                self._boarded(planned)
                for planned in self._recovery.journal.moves_of_attempt()
                if planned.unsettled
            ]
        )
        flying = self._flights.open(Phase.FLYING)
        if flying:
            self._recovery.journal.mark_ongoing(
                [flight.planned.vmove.uuid for flight in flying]
            )

    def _boarded(self, planned: PlannedMove) -> Flight:
        server = self._servers.get(planned.move.instance_uuid)
        record = self._records.latest(planned.move.instance_uuid)
        untouched = planned.vmove.status is VMoveStatus.PENDING
        if (
            record is not None
            and record.in_progress
            and not self._is_history(planned, server, record)
        ):
            now = self._clock.monotonic()
            flight = Flight(
                planned=planned,
                # One that has left the host is looked at first.
                phase=Phase.FLYING if server is not None else Phase.LOOKING,
                baseline=record.id - 1,
                record=record,
                changed_at=self._recovery.records_seen.setdefault(record, now),
                asked_at=now,
                adopted=True,
            )
        else:
            # One that Nova may have been asked for already, by whomever, is
            # looked at first.
            known = server is not None and untouched and record is None
            flight = Flight(
                planned=planned,
                phase=Phase.READY if known else Phase.LOOKING,
                server=server,
                baseline=self._records.last_id(planned.move.instance_uuid),
            )
        if not self._knows_all_requests(flight):
            flight.inherited_until = self._recovery.inherited_until
        return flight

    def _knows_all_requests(self, flight: Flight) -> bool:
        """Whether Nova has been asked for nothing else by another engine.

        A move is written to before each request: one that was not since its
        first has no other than that whose record is there.
        """
        vmove = flight.planned.vmove
        if vmove.status is VMoveStatus.PENDING:
            return True
        if flight.uuid in self._recovery.asked:
            return True
        asked_once = vmove.updated_at == vmove.start_time
        return flight.phase is Phase.FLYING and asked_once

    def _is_history(
        self, planned: PlannedMove, server: Server | None, record: Migration
    ) -> bool:
        """Whether a record was left open by an earlier failure of the host.

        A destination that dies leaves one for ever. Nova is at work on an
        instance only while that has a task state.
        """
        idle = server is not None and server.task_state is None
        if planned.vmove.status is not VMoveStatus.PENDING or not idle:
            return False
        age = self._clock.utcnow() - (record.updated_at or record.created_at)
        limit = self._recovery.world.settings.evacuation_start_timeout
        return age > datetime.timedelta(seconds=limit)

    def _record(self) -> None:
        outcomes = self._flights.take_outcomes()
        if not outcomes:
            return
        self._recovery.journal.settle(outcomes)
        total = self._flights.total
        done = total - len(self._flights.open())
        tenths = 10 * done // total
        if tenths > self._reported:
            self._reported = tenths
            self._report(
                f"Evacuated or settled: {done} of {total}", tenths / 10
            )
