# SPDX-License-Identifier: Apache-2.0
"""Bring what has been evacuated to the state it is meant to have."""

import functools
from collections.abc import Callable, Mapping

from masakari.domain.model import VMoveStatus
from masakari.domain.planner import host as planner
from masakari.domain.planner.move import Step
from masakari.domain.server import REBUILDING, Server, VMState
from masakari.engine.evacuation.background import Background
from masakari.engine.evacuation.compute_hosts import ComputeHosts
from masakari.engine.evacuation.flight import Flight, Phase
from masakari.engine.evacuation.flights import Flights
from masakari.engine.evacuation.watching import next_look
from masakari.engine.recovery import LONGEST_PAUSE, Recovery
from masakari.nova import port

#: How Nova ends the record of an evacuation for which it finds no host
#: (nova.conductor.manager); one that fails on its host is ``failed``.
NO_ROOM = "error"

#: After so many rebuilds that failed where they were made, an instance is
#: not rebuilt running any more.
BROKEN_AFTER = 3


class Settler:
    """Reads a server and takes the next step for it, until it is settled."""

    def __init__(
        self,
        recovery: Recovery,
        flights: Flights,
        background: Background,
        hosts: ComputeHosts,
    ) -> None:
        self._compute = recovery.compute
        self._clock = recovery.world.clock
        self._settings = recovery.world.settings
        self._source = recovery.host.name
        self._flights = flights
        self._background = background
        self._hosts = hosts
        self._take: Mapping[Step, Callable[[Flight, Server], None]] = {
            Step.SUCCEEDED: self._succeeded,
            Step.EVACUATE: self._evacuate,
            Step.WAIT: self._wait,
            Step.FAILED: self._misfit,
            Step.STAYS: self._stays,
            Step.DELETED: self._deleted,
        }
        self._calls: Mapping[Step, Callable[[str], None]] = {
            Step.STOP: self._compute.stop,
            Step.START: self._compute.start,
            Step.REBOOT: self._compute.reboot,
            Step.MARK_ERROR: self._mark_error,
        }

    def read_servers(self) -> None:
        """Read those whose time has come."""
        now = self._clock.monotonic()
        for flight in self._flights.open(Phase.LOOKING):
            if flight.due_at <= now:
                self._background.submit(
                    flight,
                    functools.partial(self._compute.server, flight.uuid),
                    done=self._decide,
                    failed=self._not_read,
                )

    def _not_read(self, flight: Flight, error: port.ComputeError) -> None:
        if isinstance(error, port.NotFound):
            self._flights.end(
                flight, VMoveStatus.IGNORED, "The instance is gone."
            )
            return
        now = self._clock.monotonic()
        flight.trouble = str(error)
        flight.unanswered = True
        flight.settling_since = None
        if flight.unread_since is None:
            flight.unread_since = now
        waited = now - flight.unread_since
        if flight.begun or waited < self._settings.evacuation_timeout:
            flight.retry(now=now)
        else:
            flight.phase = Phase.UNANSWERED

    def _decide(self, flight: Flight, server: Server) -> None:
        flight.server = server
        flight.unread_since = None
        if flight.is_under_way(server, self._source):
            if not self._is_stuck(flight, server):
                now = self._clock.monotonic()
                self._flights.still_flying(flight, now=now)
            return
        step = flight.next_step(server, self._source)
        if step is Step.START and flight.last_way:
            self._left_stopped(flight, server)
        elif step in self._calls:
            self._act(flight, self._calls[step])
        else:
            self._take[step](flight, server)

    def _is_stuck(self, flight: Flight, server: Server) -> bool:
        """Whether it has not changed for long, which ends its move.

        It is not asked for again: Nova may still be at work on it.
        """
        changed = server.updated_at
        limit = self._settings.evacuation_stuck_timeout
        if (
            changed is not None
            and (self._clock.utcnow() - changed).total_seconds() < limit
        ):
            return False
        self._flights.end(
            flight,
            VMoveStatus.FAILED,
            "Failed reason: timeout. Nova took the evacuation but shows no "
            f"change of it for {limit / 60:g} minutes ({_shown(flight)}).",
        )
        return True

    def _succeeded(self, flight: Flight, server: Server) -> None:
        self._flights.end(flight, VMoveStatus.SUCCEEDED, dest_host=server.host)

    def _deleted(self, flight: Flight, server: Server) -> None:
        self._flights.end(
            flight, VMoveStatus.IGNORED, planner.being_deleted(server)
        )

    def _stays(self, flight: Flight, _: Server) -> None:
        undone = (
            f" It was brought back to {flight.planned.move.origin.goal} there."
            if flight.acts
            else ""
        )
        self._flights.end(
            flight,
            VMoveStatus.IGNORED,
            f"Host {self._source} came back before it was evacuated.{undone}",
        )

    def _left_stopped(self, flight: Flight, server: Server) -> None:
        self._flights.end(
            flight,
            VMoveStatus.FAILED,
            f"It is stopped on host {server.host}, for its owner to start: "
            f"to rebuild it running failed {flight.broken} times. "
            f"{flight.trouble}".strip(),
            dest_host=server.host,
        )

    def _mark_error(self, uuid: str) -> None:
        self._compute.reset_state(uuid, "error")

    def _evacuate(self, flight: Flight, server: Server) -> None:
        """It is still on the failed host: evacuate it, or once more."""
        now = self._clock.monotonic()
        if flight.record is not None:
            flight.trouble = (
                server.fault
                or f"Nova ended the evacuation as {flight.record.status}."
            )
            no_room = flight.record.status == NO_ROOM
            if not no_room and server.vm_state == VMState.ERROR:
                self._count_broken(flight)
            self._flights.landed_badly(flight, no_room=no_room, now=now)
        elif self._flights.out_of_time(flight, now=now):
            flight.trouble = (
                flight.trouble or "Nova has no record of its evacuation."
            )
            self._flights.try_again(flight, now=now)
        elif flight.lost > 1:
            self._flights.end(flight, VMoveStatus.FAILED, flight.trouble)
        else:
            flight.phase = Phase.READY
            flight.due_at = max(flight.due_at, flight.inherited_until)

    def _count_broken(self, flight: Flight) -> None:
        """It could not be rebuilt on the host that was chosen for it."""
        flight.broken += 1
        flight.last_way = (
            self._settings.evacuate_to_stopped_at_last
            and flight.ends_running
            and flight.broken >= BROKEN_AFTER
        )

    def _misfit(self, flight: Flight, server: Server) -> None:
        fault = f" {server.fault}" if server.fault else ""
        self._flights.end(
            flight,
            VMoveStatus.FAILED,
            f"It is on host {server.host} but in state {server.vm_state}."
            f"{fault}",
            dest_host=server.host,
        )

    def _act(self, flight: Flight, call: Callable[[str], None]) -> None:
        flight.acts += 1
        self._background.submit(
            flight,
            functools.partial(call, flight.uuid),
            done=self._acted,
            failed=self._not_acted,
        )

    def _acted(self, flight: Flight, _: None) -> None:
        flight.unanswered = False
        self._look_again(flight)

    def _not_acted(self, flight: Flight, error: port.ComputeError) -> None:
        flight.trouble = str(error)
        flight.unanswered = isinstance(error, port.Unavailable)
        if not isinstance(error, port.Refused) or error.conflict:
            self._look_again(flight)
            return
        message = flight.trouble
        if flight.returning:
            fault = flight.server.fault if flight.server else None
            message = (
                f"Host {self._source} came back before it was evacuated, but "
                "what was done to it could not be undone: "
                f"{message} {fault or ''}".strip()
            )
        self._flights.end(flight, VMoveStatus.FAILED, message)

    def _look_again(self, flight: Flight) -> None:
        """See what has come of a call, later each time it is to be made."""
        longer = 2.0 ** min(flight.acts - 1, 8)
        pause = min(self._settings.verify_interval * longer, LONGEST_PAUSE)
        self._later(flight, pause)

    def _wait(self, flight: Flight, server: Server) -> None:
        """Nova may say that it is done a moment before the server moves.

        It also says so of all when their host comes back: of those too that
        nobody has begun, or nobody will end.
        """
        now, interval = self._clock.monotonic(), self._settings.verify_interval
        if server.host != self._source:
            self._later(flight, interval)
        elif self._has_lost(flight, now=now):
            self._flights.abandon(
                flight,
                f"Nova has not ended its evacuation ({_shown(flight)}).",
                now=now,
            )
        elif server.task_state not in REBUILDING or not server.updated_at:
            self._later(flight, interval)
        elif not self._is_stuck(flight, server):
            quiet = now - flight.changed_at
            flight.look(at=next_look(now, interval=interval, quiet=quiet))

    def _has_lost(self, flight: Flight, *, now: float) -> bool:
        """Whether Nova will never carry out what it has recorded."""
        record = flight.record
        if record is None:
            return False
        if record.dest_host is not None:
            return self._hosts.look_for_failed(record.dest_host)
        limit = self._settings.evacuation_start_timeout
        return now - flight.changed_at >= limit

    def _later(self, flight: Flight, pause: float) -> None:
        """Read the server again after a pause, within bounds."""
        now = self._clock.monotonic()
        if flight.settling_since is None:
            flight.settling_since = now
        limit = self._settings.stop_timeout
        if now - flight.settling_since < limit:
            flight.look(at=now + pause)
            return
        if flight.unanswered:
            flight.phase = Phase.UNANSWERED
            return
        server = flight.server
        self._flights.end(
            flight,
            VMoveStatus.FAILED,
            "Failed reason: timeout. It did not reach its state within "
            f"{limit:g} seconds; it is "
            f"{server.vm_state if server else 'not known'}. "
            f"{flight.trouble}".strip(),
            dest_host=server.host if server else None,
        )


def _shown(flight: Flight) -> str:
    """What Nova shows of its evacuation."""
    record, server = flight.record, flight.server
    if record is None:
        return f"task state {server.task_state if server else 'not known'}"
    return (
        f"migration {record.id}, status {record.status}, destination "
        f"{record.dest_host or 'not chosen'}"
    )
