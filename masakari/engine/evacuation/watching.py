# SPDX-License-Identifier: Apache-2.0
"""Follow what is in flight in Nova's evacuation records."""

import logging

from masakari.domain.model import VMoveStatus
from masakari.engine.evacuation.flight import Flight, Phase
from masakari.engine.evacuation.flights import Flights
from masakari.engine.evacuation.records import EvacuationRecords
from masakari.engine.recovery import Recovery
from masakari.nova import port

LOG = logging.getLogger(__name__)

#: While nothing changes, the pauses between two looks grow to this many
#: seconds, unless the configured interval is longer.
LONGEST_TICK = 5.0


def next_look(now: float, *, interval: float, quiet: float) -> float:
    """When to look again.

    :param interval: seconds that are at least between two looks
    :param quiet: seconds for which nothing has changed; the pause grows to a
        tenth of them
    """
    return now + max(interval, min(quiet / 10, LONGEST_TICK))


class Watch:
    """Looks at all records at once, every now and then."""

    def __init__(
        self,
        recovery: Recovery,
        flights: Flights,
        records: EvacuationRecords,
    ) -> None:
        self._compute = recovery.compute
        self._clock = recovery.world.clock
        self._settings = recovery.world.settings
        self._flights = flights
        self._records = records
        self._changed_at = self._read_at = self._clock.monotonic()
        self.next_at = self._changed_at

    def soon(self) -> None:
        """Something changed: look again within an interval."""
        self._changed_at = self._clock.monotonic()
        self.next_at = min(
            self.next_at, self._changed_at + self._settings.verify_interval
        )

    def look(self) -> None:
        """Follow what is in the air or may be soon, when it is time to."""
        now = self._clock.monotonic()
        flying = self._flights.open(Phase.FLYING)
        awaited = self._flights.awaited(now=now)
        if not (flying or awaited) or now < self.next_at:
            return
        self.next_at = now + self._settings.verify_interval
        try:
            changed = self._records.refresh(
                everything=any(
                    self._missed(f, now) for f in (*flying, *awaited)
                )
            )
        except port.ComputeError as error:
            LOG.warning("Nova's evacuation records cannot be read: %s", error)
            return
        self._read_at = now
        self._take_up(awaited)
        for flight in flying:
            self._follow(flight, now)
        self._end_stuck(now)
        if changed:
            self._changed_at = now
        self.next_at = next_look(
            now,
            interval=self._settings.verify_interval,
            quiet=now - self._changed_at,
        )

    def _missed(self, flight: Flight, now: float) -> bool:
        """Whether to ask for more than Nova's latest changes.

        A new record is none. Nor is the end of one, when the clock that
        stamped it is far behind the others of Nova.
        """
        overdue = now - flight.asked_at >= self._settings.evacuation_timeout
        return flight.record is None or overdue

    def still_here(self, ready: list[Flight]) -> list[Flight]:
        """Those that may be asked for, right before they are.

        Nova does not refuse to evacuate an instance twice at once. A request
        that was given up may have been carried out late: whatever was asked
        for before is looked up once more. Nor does anything keep an operator
        from evacuating an instance of the host: records that are older than
        an interval are read anew.
        """
        now = self._clock.monotonic()
        old = now - self._read_at > self._settings.verify_interval
        if old or any(flight.asked_before for flight in ready):
            try:
                self._records.refresh()
                self._read_at = now
            except port.ComputeError as error:
                LOG.warning(
                    "Nova's evacuation records cannot be read: %s", error
                )
                ready = [f for f in ready if not f.asked_before]
        self._take_up(ready)
        return [f for f in ready if f.phase is Phase.READY]

    def _take_up(self, flights: list[Flight]) -> None:
        """Follow those that Nova has begun to evacuate meanwhile."""
        now = self._clock.monotonic()
        for flight in flights:
            record = self._records.latest(flight.uuid, after=flight.baseline)
            if record is not None:
                self._flights.found_flying(flight, record, now=now)

    def _follow(self, flight: Flight, now: float) -> None:
        record = self._records.latest(flight.uuid, after=flight.baseline)
        if record is None:
            # Asked for after the answer: Nova would have it by now.
            if flight.in_doubt:
                self._flights.try_again(flight, now=now)
            return
        flight.record = record
        flight.in_doubt = False
        if not record.in_progress:
            self._flights.give_back_slot(flight)
            flight.look(at=now)

    def _end_stuck(self, now: float) -> None:
        """End what Nova took but does not carry out.

        One that is being rebuilt on a live host is watched on, however long
        it takes: it would be wrong to call it failed.
        """
        overdue = [
            flight
            for flight in self._flights.open(Phase.FLYING)
            if now - flight.asked_at >= self._settings.evacuation_timeout
        ]
        if not overdue:
            return
        try:
            services = self._compute.compute_services()
        except port.ComputeError as error:
            LOG.warning("Nova's compute services cannot be read: %s", error)
            return
        alive = {service.host for service in services if service.up}
        for flight in overdue:
            self._judge_overdue(flight, alive, now)

    def _judge_overdue(
        self, flight: Flight, alive: set[str], now: float
    ) -> None:
        record = flight.record
        if record is None:
            self._flights.give_back_slot(flight)
            flight.look(at=now)
        elif record.dest_host in alive:
            flight.asked_at = now
        else:
            self._flights.end(
                flight,
                VMoveStatus.FAILED,
                "Failed reason: timeout. Nova took the evacuation but has "
                f"not done it for {self._settings.evacuation_timeout:g} "
                f"seconds (migration {record.id}, status {record.status}, "
                "destination "
                f"{record.dest_host or 'not chosen'}).",
            )
