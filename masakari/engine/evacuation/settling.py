# SPDX-License-Identifier: Apache-2.0
"""Bring what has been evacuated to the state it is meant to have."""

import functools
from collections.abc import Callable

from masakari.domain.model import VMoveStatus
from masakari.domain.planner.move import Step
from masakari.domain.server import Server
from masakari.engine.evacuation.background import Background
from masakari.engine.evacuation.flight import Flight, Phase
from masakari.engine.evacuation.flights import Flights
from masakari.engine.recovery import Recovery
from masakari.nova import port

#: How Nova ends the record of an evacuation for which it finds no host
#: (nova.conductor.manager); one that fails on its host is ``failed``.
NO_ROOM = "error"


class Settler:
    """Reads a server and takes the next step for it, until it is settled."""

    def __init__(
        self,
        recovery: Recovery,
        flights: Flights,
        background: Background,
    ) -> None:
        self._compute = recovery.compute
        self._clock = recovery.world.clock
        self._settings = recovery.world.settings
        self._source = recovery.host.name
        self._flights = flights
        self._background = background

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
        flight.trouble = str(error)
        flight.look(
            at=self._clock.monotonic() + self._settings.verify_interval
        )

    def _decide(self, flight: Flight, server: Server) -> None:
        flight.server = server
        match flight.next_step(server, self._source):
            case Step.SUCCEEDED:
                self._flights.end(
                    flight, VMoveStatus.SUCCEEDED, dest_host=server.host
                )
            case Step.EVACUATE:
                self._evacuate(flight, server)
            case Step.WAIT:
                self._later(flight)
            case Step.FAILED:
                self._misfit(flight, server)
            case Step.STOP:
                self._act(flight, self._compute.stop)
            case Step.START:
                self._act(flight, self._compute.start)
            case Step.MARK_ERROR:
                self._act(flight, self._mark_error)

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
            self._flights.landed_badly(
                flight, no_room=flight.record.status == NO_ROOM, now=now
            )
        elif self._flights.out_of_time(flight, now=now):
            flight.trouble = (
                flight.trouble or "Nova has no record of its evacuation."
            )
            self._flights.refuse(flight)
        else:
            flight.phase = Phase.READY
            flight.due_at = max(flight.due_at, flight.inherited_until)

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
        self._background.submit(
            flight,
            functools.partial(call, flight.uuid),
            done=lambda flight, _: self._later(flight),
            failed=self._not_acted,
        )

    def _not_acted(self, flight: Flight, error: port.ComputeError) -> None:
        flight.trouble = str(error)
        if isinstance(error, port.Refused) and not error.conflict:
            self._flights.end(flight, VMoveStatus.FAILED, flight.trouble)
            return
        self._later(flight)

    def _later(self, flight: Flight) -> None:
        """Read the server again after an interval, within bounds."""
        now = self._clock.monotonic()
        if flight.settling_since is None:
            flight.settling_since = now
        limit = self._settings.stop_timeout
        if now - flight.settling_since < limit:
            flight.look(at=now + self._settings.verify_interval)
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
