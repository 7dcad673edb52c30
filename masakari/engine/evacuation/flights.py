# SPDX-License-Identifier: Apache-2.0
"""All instances on their way from the failed host, and their slots."""

import dataclasses
from collections.abc import Iterable, Sequence

from masakari.domain.model import Outcome, VMoveStatus
from masakari.domain.server import Migration
from masakari.domain.sharing import Demand
from masakari.engine.evacuation.flight import Flight, Phase
from masakari.engine.slots import Key, Slots

#: A host that refuses so many in a row, one after the other, for lack of
#: room, is full; it is not asked to take the others. Where the scheduler
#: chooses, refusals say nothing about instances of another size.
FULL_AFTER = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where instances are sent, and how long that is tried.

    :param target: the host; None lets Nova's scheduler choose
    :param patient: there is nowhere else: what is refused is tried again,
        since room may return
    :param closed: nobody is sent any more, those on their way are awaited
    """

    target: str | None = None
    patient: bool = True
    closed: bool = False


class Flights:
    """All moves of a recovery, the slots they hold, and how they ended.

    :param key: of the recovery, in the engine's slots
    :param timeout: seconds for which a failed evacuation is tried again
    """

    def __init__(
        self, slots: Slots, key: Key, route: Route, *, timeout: float
    ) -> None:
        self._slots = slots
        self._key = key
        self.route = route
        self._timeout = timeout
        self._refusals = 0
        self._all: list[Flight] = []
        self._outcomes: list[Outcome] = []

    def take_up(self, flights: Iterable[Flight]) -> None:
        """Start with these; what Nova is evacuating counts as in flight.

        It keeps the slots that it had on the route before: nobody else can
        take them in between.
        """
        self._all = list(flights)
        for flight in self._all:
            flight.has_slot = flight.adopted
        self._slots.take_up(self._key, self.in_flight)

    def found_flying(
        self, flight: Flight, record: Migration, *, changed_at: float
    ) -> None:
        """Nova is evacuating it after all."""
        flight.follow(record, changed_at=changed_at)
        self._keep_flying(flight)

    def still_flying(self, flight: Flight, *, now: float) -> None:
        """Its server was looked at: Nova may well be evacuating it."""
        flight.changed_at = now
        self._keep_flying(flight)

    def _keep_flying(self, flight: Flight) -> None:
        flight.phase = Phase.FLYING
        if not flight.has_slot:
            flight.has_slot = True
            self._slots.adopt(self._key, 1)

    def take_slots(self, ready: Sequence[Flight]) -> list[Flight]:
        """The first of ``ready`` for which there is room in the engine."""
        waiting = len(self.open(Phase.READY))
        taken = self._slots.take(
            self._key,
            Demand(
                wanted=self.in_flight + waiting,
                priority=ready[0].importance,
            ),
            len(ready),
        )
        for flight in ready[:taken]:
            flight.has_slot = True
        return list(ready[:taken])

    def give_back_slot(self, flight: Flight) -> None:
        """Nova is done with its evacuation, well or not."""
        if flight.has_slot:
            flight.has_slot = False
            self._slots.give_back(self._key)

    @property
    def in_flight(self) -> int:
        return sum(flight.has_slot for flight in self._all)

    @property
    def total(self) -> int:
        return len(self._all)

    def open(self, *phases: Phase) -> list[Flight]:
        """Those that have not ended, in order; of some phases, or of any."""
        return [
            flight
            for flight in self._all
            if flight.phase is not Phase.DONE
            and (not phases or flight.phase in phases)
        ]

    @property
    def tried_again(self) -> list[Flight]:
        """Those that go on although a request for them has failed."""
        return [flight for flight in self.open() if flight.failures]

    def ready(self, *, now: float) -> list[Flight]:
        """Those that may be evacuated now, in order.

        None goes before one whose turn is earlier and that is about to be
        ready too: there may be room for one only. For one that Nova may yet
        begin, which takes longer, only less important ones wait.
        """
        found = []
        least: tuple[int, ...] | None = None
        for flight in self.open():
            if flight.being_read(now=now):
                break
            if least is not None and flight.importance < least:
                break
            if flight.awaited(now=now):
                least = flight.importance
            elif flight.phase is Phase.READY and flight.due_at <= now:
                found.append(flight)
        return found

    def awaited(self, *, now: float) -> list[Flight]:
        """Those that Nova may yet begin for another engine."""
        return [flight for flight in self._all if flight.awaited(now=now)]

    def try_again(self, flight: Flight, *, now: float) -> None:
        """After a request that failed: while there is time, with a pause.

        When Nova could not even be asked, that says nothing about the
        instance: it has not failed then.
        """
        self.give_back_slot(flight)
        if not self.out_of_time(flight, now=now):
            flight.retry(now=now)
        elif flight.unanswered:
            flight.phase = Phase.UNANSWERED
        else:
            self.refuse(flight)

    def ask_again(self) -> None:
        """Nova answers: those that it could not be asked for may be now."""
        for flight in self.open(Phase.UNANSWERED):
            flight.first_asked_at = None
            flight.look(at=flight.due_at)

    def landed_badly(
        self, flight: Flight, *, no_room: bool, now: float
    ) -> None:
        """Nova took the evacuation, and it failed.

        Unless there is nowhere else to go, it is not tried again here.

        :param no_room: no host was found for it
        """
        sent_here = flight.first_asked_at is not None
        flight.forget_record()
        flight.unanswered = False
        if self.route.patient or not sent_here:
            self.try_again(flight, now=now)
            return
        self.refuse(flight)
        self._refusals = self._refusals + 1 if no_room else 0
        if self.route.target is not None and self._refusals >= FULL_AFTER:
            for other in self.open(Phase.READY):
                other.trouble = flight.trouble
                self.refuse(other)

    def abandon(self, flight: Flight, trouble: str, *, now: float) -> None:
        """Nova will never end its evacuation: it is asked for again."""
        self.give_back_slot(flight)
        flight.abandon(now=now, trouble=trouble)

    def lost(self, flight: Flight, trouble: str, *, now: float) -> None:
        """Nova has lost its evacuation: it is asked for again, but once."""
        flight.lost += not flight.adopted
        flight.lost_record = flight.record.id if flight.record else None
        self.abandon(flight, trouble, now=now)

    def refuse(self, flight: Flight) -> None:
        """It cannot go where it was sent to: elsewhere, or to its end."""
        self.give_back_slot(flight)
        if self.route.patient:
            self.end(flight, VMoveStatus.FAILED, flight.trouble)
            return
        flight.phase = Phase.REFUSED

    def end_ready(self, status: VMoveStatus, message: str) -> None:
        """Nobody can be sent any more."""
        for flight in self.open(Phase.READY):
            self.end(flight, status, message)

    def refuse_all_ready(self, trouble: str = "") -> None:
        """Nobody is sent any more."""
        for flight in self.open(Phase.READY):
            flight.trouble = trouble or flight.trouble
            self.refuse(flight)

    @property
    def nothing_left_to_do(self) -> bool:
        """Nobody can be brought any further on this route.

        Whoever sends the refused ones elsewhere also follows those that are
        on their way by then. When the route is closed there is no elsewhere,
        so those are followed to their end.
        """
        refused = self.open(Phase.REFUSED)
        rest = [f for f in self.open() if f.phase is not Phase.REFUSED]
        if refused and not self.route.closed:
            return all(flight.goes_on for flight in rest)
        return not rest

    def out_of_time(self, flight: Flight, *, now: float) -> bool:
        """It has been asked for, for as long as it may be."""
        started = flight.first_asked_at
        return started is not None and now - started >= self._timeout

    def leave_behind(self, *, now: float) -> None:
        """The source host came back: what has not left it stays there."""
        for flight in self.open(Phase.READY, Phase.REFUSED, Phase.UNANSWERED):
            flight.stay(now=now)

    @property
    def idle(self) -> bool:
        """Nothing happens unless somebody is sent or Nova is asked again."""
        waiting = (Phase.READY, Phase.REFUSED, Phase.UNANSWERED)
        return all(flight.phase in waiting for flight in self.open())

    def end(
        self,
        flight: Flight,
        status: VMoveStatus,
        message: str | None = None,
        *,
        dest_host: str | None = None,
    ) -> None:
        """Its end is known; :meth:`take_outcomes` has it for the record."""
        self.give_back_slot(flight)
        if status is VMoveStatus.SUCCEEDED:
            self._refusals = 0
        flight.phase = Phase.DONE
        self._outcomes.append(
            Outcome(
                vmove_uuid=flight.planned.vmove.uuid,
                status=status,
                dest_host=dest_host,
                message=message,
            )
        )

    def expire(self) -> None:
        """End all that have not ended: there is no time left for them."""
        for flight in self.open():
            message = f"The notification expired meanwhile. {flight.trouble}"
            self.end(flight, VMoveStatus.FAILED, message.strip())

    def take_outcomes(self) -> list[Outcome]:
        """The ends that have not been recorded yet."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes
