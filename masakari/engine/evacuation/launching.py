# SPDX-License-Identifier: Apache-2.0
"""Ask Nova to evacuate, as much at once as Nova can take."""

import functools
from typing import Any

from masakari.domain.model import VMoveStatus
from masakari.domain.planner import move as planner
from masakari.domain.server import VMState
from masakari.domain.window import Window
from masakari.engine.evacuation.background import Background
from masakari.engine.evacuation.compute_hosts import ComputeHosts
from masakari.engine.evacuation.flight import Flight, Phase
from masakari.engine.evacuation.flights import Flights
from masakari.engine.evacuation.watching import Watch
from masakari.engine.recovery import Recovery
from masakari.nova import port

#: The longest time in seconds for which Nova is obeyed when it asks to wait.
LONGEST_RETRY_AFTER = 60.0

NO_HOST = "There is no host to evacuate to that is up and enabled."


class Launcher:
    """Starts evacuations while the source host is known to be down."""

    def __init__(
        self,
        recovery: Recovery,
        flights: Flights,
        background: Background,
        watch: Watch,
        hosts: ComputeHosts,
    ) -> None:
        self._recovery = recovery
        self._clock = recovery.world.clock
        self._settings = recovery.world.settings
        self._flights = flights
        self._background = background
        self._watch = watch
        self._hosts = hosts
        #: Whether some are ready, and there is no host to evacuate to.
        self.has_nowhere_to_send = False
        self._window = Window.opened(
            self._settings.window_floor,
            self._settings.window_ceiling,
            in_flight=flights.in_flight,
        )

    def launch(self) -> None:
        """Ask for as many as window and slots allow."""
        self.has_nowhere_to_send = False
        if self._flights.route.closed:
            self._flights.refuse_all_ready()
            return
        ready = self._flights.ready(now=self._clock.monotonic())
        room = self._window.slots - self._flights.in_flight
        if room <= 0 or not ready or not self._may_ask():
            return
        ready = self._watch.still_here(ready[:room])
        batch = self._flights.take_slots(ready) if ready else []
        if batch:
            found_at = self._clock.monotonic()
            self._put_on_record(batch)
            self._ask_for(self._still_ready(batch, found_at=found_at))

    def _put_on_record(self, batch: list[Flight]) -> None:
        self._recovery.asked.update(flight.uuid for flight in batch)
        self._recovery.journal.mark_ongoing(
            [flight.planned.vmove.uuid for flight in batch]
        )

    def _still_ready(
        self, batch: list[Flight], *, found_at: float
    ) -> list[Flight]:
        """Look at them anew if the database has kept us waiting.

        The host may be back, or somebody else evacuate them meanwhile.
        """
        waited = self._clock.monotonic() - found_at
        if waited <= self._settings.verify_interval:
            return batch
        may_ask = self._may_ask()
        remaining = self._watch.still_here(batch) if may_ask else []
        for flight in batch:
            if flight.phase is Phase.READY and flight not in remaining:
                self._flights.give_back_slot(flight)
        return remaining

    def _ask_for(self, batch: list[Flight]) -> None:
        for flight in batch:
            if flight.first_asked_at is None:
                flight.first_asked_at = self._clock.monotonic()
            self._background.submit(
                flight,
                functools.partial(self._evacuate, flight),
                done=self._accepted,
                failed=self._not_accepted,
            )

    def _evacuate(self, flight: Flight) -> None:
        compute = self._recovery.compute
        if flight.last_way:
            # Nova starts one in error, whatever it is asked for.
            compute.reset_state(flight.uuid, VMState.ACTIVE)
        elif flight.server is not None and planner.needs_reset(flight.server):
            compute.reset_state(flight.uuid, VMState.ERROR)
        stopped = flight.last_way or not flight.ends_running
        compute.evacuate(
            flight.uuid,
            target=self._flights.route.target,
            stopped=stopped and compute.evacuates_stopped,
        )

    def _accepted(self, flight: Flight, _: Any) -> None:
        self._window = self._window.answered(
            asked_at=flight.asked_at, now=self._clock.monotonic()
        )
        flight.begin(now=self._clock.monotonic())
        self._flights.ask_again()
        self._watch.soon()

    def _not_accepted(self, flight: Flight, error: port.ComputeError) -> None:
        now = self._clock.monotonic()
        flight.trouble = str(error)
        flight.unanswered = isinstance(error, port.Unavailable)
        if isinstance(error, port.Refused) and not error.conflict:
            self._refused(flight)
            return
        # Nova may have taken it all the same: its records will tell.
        flight.phase = Phase.FLYING
        flight.in_doubt_until = now
        if isinstance(error, port.Unavailable):
            self._window = self._window.overloaded(
                asked_at=flight.asked_at, now=now
            )
            pause = min(error.retry_after or 0.0, LONGEST_RETRY_AFTER)
            flight.due_at = now + pause
            if error.in_doubt:
                limit = self._settings.evacuation_start_timeout
                flight.in_doubt_until = now + limit
        self._watch.soon()

    def _refused(self, flight: Flight) -> None:
        """For good, or because the host came back."""
        self._flights.give_back_slot(flight)
        flight.phase = Phase.READY
        self._hosts.forget()
        if self._source_is_down():
            self._flights.refuse(flight)

    def _may_ask(self) -> bool:
        """Whether the source host is down, and there is another one.

        Nova sets an instance to error for which it finds no host: nobody is
        sent where there is none.
        """
        if not self._source_is_down():
            return False
        target = self._flights.route.target
        if self._hosts.can_take(target):
            return True
        if self._flights.route.patient:
            self.has_nowhere_to_send = True
        else:
            self._flights.refuse_all_ready(NO_HOST)
        return False

    def _source_is_down(self) -> bool:
        """Look at the source host, once an interval.

        When it is back, what has not left it stays. When that cannot be
        told, nothing is asked for until it can.
        """
        if not self._hosts.look():
            return False
        service = self._hosts.source
        if service is None:
            name = self._recovery.host.name
            self._flights.end_ready(
                VMoveStatus.FAILED, f"No nova-compute service on host {name}."
            )
            return False
        if service.up:
            self._flights.leave_behind(now=self._clock.monotonic())
        return not service.up
