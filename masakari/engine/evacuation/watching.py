# SPDX-License-Identifier: Apache-2.0
"""Follow what is in flight in Nova's evacuation records."""

import logging

from masakari.domain.server import Migration
from masakari.engine.evacuation.compute_hosts import ComputeHosts
from masakari.engine.evacuation.flight import Flight, Phase
from masakari.engine.evacuation.flights import Flights
from masakari.engine.evacuation.records import EvacuationRecords
from masakari.engine.recovery import Recovery
from masakari.nova import port

LOG = logging.getLogger(__name__)

#: While nothing changes, the pauses between two looks grow to this many
#: seconds, unless the configured interval is longer.
LONGEST_TICK = 5.0

#: Seconds after which an evacuation whose record does not change is looked
#: at more closely.
UNCHANGED_FOR = 10.0


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
        hosts: ComputeHosts,
    ) -> None:
        self._recovery = recovery
        self._clock = recovery.world.clock
        self._settings = recovery.world.settings
        self._flights = flights
        self._records = records
        self._hosts = hosts
        self._changed_at = self._read_at = self._clock.monotonic()
        self._unreadable = False
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
        changed = self._read(
            everything=any(self._missed(f, now) for f in (*flying, *awaited))
        )
        if changed is None:
            return
        self._take_up(awaited)
        for flight in flying:
            self._follow(flight, now)
        self._judge_unchanged(now)
        if changed:
            self._changed_at = now
        self.next_at = next_look(
            now,
            interval=self._settings.verify_interval,
            quiet=now - self._changed_at,
        )

    def _read(self, *, everything: bool = True) -> bool | None:
        """Whether something has changed; None when Nova does not tell."""
        now = self._clock.monotonic()
        try:
            changed = self._records.refresh(everything=everything)
        except port.Denied:
            raise
        except port.ComputeError as error:
            if not self._unreadable:
                LOG.warning(
                    "Nova's evacuation records cannot be read, what it does "
                    "meanwhile is not known: %s",
                    error,
                )
            self._unreadable = True
            return None
        self._unreadable = False
        self._read_at = now
        return changed

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
        look = old or any(flight.asked_before for flight in ready)
        if look and self._read() is None:
            ready = [f for f in ready if not f.asked_before]
        self._take_up(ready)
        return [f for f in ready if f.phase is Phase.READY]

    def _take_up(self, flights: list[Flight]) -> None:
        """Follow those that Nova has begun to evacuate meanwhile."""
        for flight in flights:
            record = self._latest(flight)
            if record is not None:
                self._flights.found_flying(
                    flight, record, changed_at=self._first_seen(record)
                )

    def _latest(self, flight: Flight) -> Migration | None:
        flight.newest_record = self._records.last_id(flight.uuid)
        return self._records.latest(
            flight.uuid, after=flight.baseline, lost=flight.lost_record
        )

    def _first_seen(self, record: Migration) -> float:
        """When the record was first seen to be as it is."""
        now = self._clock.monotonic()
        return self._recovery.records_seen.setdefault(record, now)

    def _follow(self, flight: Flight, now: float) -> None:
        record = self._latest(flight)
        if record is None:
            self._without_record(flight, now)
            return
        flight.follow(record, changed_at=self._first_seen(record))
        if not record.in_progress:
            self._flights.give_back_slot(flight)
            flight.look(at=now)

    def _without_record(self, flight: Flight, now: float) -> None:
        """Nova makes a record before it says that it has taken a request."""
        until = flight.in_doubt_until
        if until is None:
            if now - flight.asked_at >= self._settings.evacuation_timeout:
                self._flights.give_back_slot(flight)
                flight.look(at=now)
        elif now >= until:
            flight.not_begun(now=now)
            self._flights.try_again(flight, now=now)

    def _judge_unchanged(self, now: float) -> None:
        """See what becomes of those for which Nova does nothing, it seems."""
        unchanged = [
            flight
            for flight in self._flights.open(Phase.FLYING)
            if flight.record is not None
            and now - flight.changed_at >= UNCHANGED_FOR
        ]
        if unchanged and self._hosts.look():
            for flight in unchanged:
                self._judge(flight, flight.record, now)

    def _judge(
        self, flight: Flight, record: Migration | None, now: float
    ) -> None:
        if record is None:
            return
        host = record.dest_host
        if host is not None and self._hosts.has_failed(host):
            self._flights.abandon(
                flight,
                f"Its destination {host} failed before it was evacuated "
                f"(migration {record.id}, status {record.status}).",
                now=now,
            )
        elif self._is_lost(flight, record, now):
            self._flights.lost(
                flight,
                "Nova took the evacuation but has not begun it within "
                f"{self._settings.evacuation_start_timeout:g} seconds "
                f"(migration {record.id}, status {record.status}).",
                now=now,
            )
        elif self._is_old(record):
            flight.look(at=now)

    def _is_lost(self, flight: Flight, record: Migration, now: float) -> bool:
        """Whether nobody has begun what Nova has taken, or ever will.

        It may wait at a destination that is busy with others.
        """
        limit = self._settings.evacuation_start_timeout
        unchanged = now - flight.changed_at >= limit or self._is_old(record)
        if record.status != "accepted" or not unchanged:
            return False
        return not any(
            other.record is not None
            and other.record.status != "accepted"
            and other.record.dest_host is not None
            and record.dest_host in (None, other.record.dest_host)
            and self._hosts.is_up(other.record.dest_host)
            and now - other.changed_at < limit
            for other in self._flights.open(Phase.FLYING)
        )

    def _is_old(self, record: Migration) -> bool:
        """By Nova's own word: whoever takes it up later sees it at once."""
        changed = record.updated_at or record.created_at
        age = (self._clock.utcnow() - changed).total_seconds()
        return age >= self._settings.evacuation_stuck_timeout
