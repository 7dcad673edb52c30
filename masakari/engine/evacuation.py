# SPDX-License-Identifier: Apache-2.0
"""Move the instances of a failed host, many at once, each at its own pace.

One loop in the recovery's thread decides; the calls to Nova run in the
engine's pool and report back to it. How many evacuations are in flight is
up to the window (how Nova keeps up) and the engine's slots (what the other
recoveries need). One list of Nova's evacuation records tells the fate of
all of them; a server is read to settle it.
"""

import functools
import logging
import queue
import threading
from collections.abc import Callable
from concurrent import futures
from typing import TYPE_CHECKING, Any

from masakari import exception
from masakari.db.moves import Outcome, PlannedMove
from masakari.domain.model import VMoveStatus
from masakari.domain.planner import instance as planner
from masakari.domain.planner.instance import Step
from masakari.domain.server import Server
from masakari.domain.sharing import Demand
from masakari.domain.window import Window
from masakari.engine.calls import persistently
from masakari.engine.flight import Flight, Phase
from masakari.engine.records import EvacuationRecords
from masakari.nova import port

if TYPE_CHECKING:
    from masakari.engine.recovery import Recovery

LOG = logging.getLogger(__name__)

#: Nothing new from Nova makes the pauses between two looks at its records
#: longer, up to this many seconds.
LONGEST_TICK = 5.0

Handler = Callable[[Flight, Any], None]


class Evacuation:
    """The moves of one attempt that have not ended yet.

    :param report: takes a message and the progress between 0 and 1
    """

    def __init__(
        self, recovery: "Recovery", report: Callable[[str, float], None]
    ) -> None:
        self._recovery = recovery
        self._world = recovery.world
        self._settings = recovery.world.settings
        self._clock = recovery.world.clock
        self._key = recovery.notification.uuid
        self._source = recovery.host.name
        self._report = report
        self._records = EvacuationRecords(recovery.compute, self._source)
        self._window = Window.opened(
            self._settings.window_floor, self._settings.window_ceiling
        )
        self._flights: list[Flight] = []
        self._answers: queue.SimpleQueue[
            tuple[Flight, futures.Future[Any], Handler, Handler]
        ] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._outcomes: list[Outcome] = []
        self._reported = 0
        self._tick_at = 0.0
        self._changed_at = 0.0
        self._host_seen_at = float("-inf")
        self._stop_at: float | None = None

    def run(self) -> None:
        """Move until every move has ended and is recorded.

        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the engine stops; the rest is handed on
        """
        try:
            self._board()
            while self._open():
                self._step()
        finally:
            self._world.slots.leave(self._key)

    # -- the loop ---------------------------------------------------------

    def _step(self) -> None:
        self._recovery.lease.check()
        self._wake.clear()
        self._collect()
        self._heed_stop()
        self._watch()
        self._read_servers()
        self._launch()
        self._record()
        if self._open() and self._answers.empty():
            self._clock.wait(self._wake, self._pause())

    def _open(self, *phases: Phase) -> list[Flight]:
        return [
            flight
            for flight in self._flights
            if flight.phase is not Phase.DONE
            and (not phases or flight.phase in phases)
        ]

    def _pause(self) -> float:
        """Seconds until there is something to do, if nobody calls."""
        now = self._clock.monotonic()
        times = [now + self._settings.verify_interval]
        times += [
            flight.due_at
            for flight in self._open(Phase.LOOKING, Phase.READY)
            if flight.due_at > now
        ]
        if self._open(Phase.FLYING):
            times.append(max(self._tick_at, now))
        return min(times) - now

    def _heed_stop(self) -> None:
        """After the engine was told to stop: finish what is in flight."""
        now = self._clock.monotonic()
        if self._recovery.expired:
            self._end_all(
                VMoveStatus.FAILED, "The notification expired meanwhile."
            )
        if not self._world.stopping.is_set():
            return
        if self._stop_at is None:
            self._stop_at = now + self._world.drain_timeout
        flying = [flight for flight in self._open() if flight.has_slot]
        if not flying or now >= self._stop_at:
            self._record()
            raise exception.RecoveryInterrupted(uuid=self._key)

    # -- where every move stands at the start -----------------------------

    def _board(self) -> None:
        persistently(self._recovery, self._records.refresh)
        for planned in self._recovery.journal.moves_of_attempt():
            if planned.unsettled:
                self._flights.append(self._boarded(planned))
        adopted = [f for f in self._flights if f.phase is Phase.FLYING]
        if adopted:
            self._world.slots.adopt(self._key, len(adopted))
            self._recovery.journal.mark_ongoing(
                [flight.planned.vmove.uuid for flight in adopted]
            )

    def _boarded(self, planned: PlannedMove) -> Flight:
        """Start from what Nova shows, whatever another engine has done."""
        now = self._clock.monotonic()
        server = self._recovery.servers.get(planned.move.instance_uuid)
        record = self._records.latest(planned.move.instance_uuid)
        if record is not None and record.in_progress:
            return Flight(
                planned=planned,
                phase=Phase.FLYING,
                baseline=record.id - 1,
                record=record,
                asked_at=now,
                first_asked_at=now,
                has_slot=True,
            )
        return Flight(
            planned=planned,
            phase=Phase.READY if server else Phase.LOOKING,
            server=server,
            baseline=record.id if record else 0,
        )

    # -- calls to Nova ----------------------------------------------------

    def _submit(
        self,
        flight: Flight,
        call: Callable[[], Any],
        *,
        done: Handler,
        failed: Handler,
    ) -> None:
        flight.phase = Phase.CALLING
        flight.asked_at = self._clock.monotonic()
        future = self._world.calls.submit(self._guarded, call)
        future.add_done_callback(
            lambda future: self._answered(flight, future, done, failed)
        )

    def _guarded(self, call: Callable[[], Any]) -> Any:
        self._recovery.lease.check()
        return call()

    def _answered(
        self,
        flight: Flight,
        future: "futures.Future[Any]",
        done: Handler,
        failed: Handler,
    ) -> None:
        """In a thread of the pool: leave the answer to the loop."""
        self._answers.put((flight, future, done, failed))
        self._wake.set()

    def _collect(self) -> None:
        while not self._answers.empty():
            flight, future, done, failed = self._answers.get()
            try:
                result = future.result()
            except port.NotFound:
                self._end(flight, VMoveStatus.IGNORED, "The instance is gone.")
            except port.ComputeError as error:
                failed(flight, error)
            else:
                done(flight, result)

    # -- evacuating -------------------------------------------------------

    def _launch(self) -> None:
        now = self._clock.monotonic()
        ready = [f for f in self._open(Phase.READY) if f.due_at <= now]
        in_flight = sum(flight.has_slot for flight in self._flights)
        limit = min(self._window.slots - in_flight, len(ready))
        if self._world.stopping.is_set() or limit <= 0:
            return
        if not self._host_is_down():
            return
        first = ready[0].planned.move
        taken = self._world.slots.take(
            self._key,
            Demand(
                wanted=in_flight + len(ready),
                priority=(int(first.ha_enabled), first.priority),
            ),
            limit,
        )
        self._ask_for(ready[:taken])

    def _ask_for(self, batch: list[Flight]) -> None:
        if not batch:
            return
        for flight in batch:
            flight.has_slot = True
        self._recovery.journal.mark_ongoing(
            [flight.planned.vmove.uuid for flight in batch]
        )
        for flight in batch:
            if flight.first_asked_at is None:
                flight.first_asked_at = self._clock.monotonic()
            self._submit(
                flight,
                functools.partial(self._evacuate, flight),
                done=self._accepted,
                failed=self._not_accepted,
            )

    def _evacuate(self, flight: Flight) -> None:
        compute = self._recovery.compute
        if flight.server is not None and planner.needs_reset(flight.server):
            compute.reset_state(flight.uuid, "error")
        compute.evacuate(
            flight.uuid,
            stopped=not flight.ends_running and compute.evacuates_stopped,
        )

    def _accepted(self, flight: Flight, _: Any) -> None:
        now = self._clock.monotonic()
        self._window = self._window.answered(asked_at=flight.asked_at, now=now)
        flight.phase = Phase.FLYING
        flight.settling_since = None
        self._changed(now)

    def _not_accepted(self, flight: Flight, error: port.ComputeError) -> None:
        now = self._clock.monotonic()
        flight.trouble = str(error)
        if isinstance(error, port.Refused) and not error.conflict:
            self._refused(flight)
            return
        if isinstance(error, port.Unavailable):
            self._window = self._window.overloaded(
                asked_at=flight.asked_at, now=now
            )
            flight.due_at = now + (error.retry_after or 0)
        # Nova may have taken it all the same: its records will tell.
        flight.phase = Phase.FLYING
        flight.in_doubt = True
        self._tick_at = min(
            self._tick_at, now + self._settings.verify_interval
        )

    def _refused(self, flight: Flight) -> None:
        """For good, or because the host came back."""
        self._give_back_slot(flight)
        self._host_seen_at = float("-inf")
        flight.phase = Phase.READY
        if self._host_is_down():
            self._end(flight, VMoveStatus.FAILED, flight.trouble)

    def _host_is_down(self) -> bool:
        """Look at the source host, once an interval.

        When it is back, what has not left it stays. When that cannot be
        told, nothing is asked for until it can.
        """
        now = self._clock.monotonic()
        if now - self._host_seen_at < self._settings.verify_interval:
            return True
        try:
            service = self._recovery.compute.compute_service(self._source)
        except port.ComputeError as error:
            LOG.warning(
                "Host %s cannot be looked at, no instance of it is "
                "evacuated meanwhile: %s",
                self._source,
                error,
            )
            return False
        if service.up:
            self._end_all(
                VMoveStatus.IGNORED,
                f"Host {self._source} came back before the instance was "
                "evacuated.",
                Phase.READY,
            )
            return False
        self._host_seen_at = now
        return True

    # -- watching ---------------------------------------------------------

    def _watch(self) -> None:
        now = self._clock.monotonic()
        flying = self._open(Phase.FLYING)
        if not flying or now < self._tick_at:
            return
        try:
            changed = self._records.refresh()
        except port.ComputeError as error:
            LOG.warning("Nova's evacuation records cannot be read: %s", error)
            self._window = self._window.overloaded(asked_at=now, now=now)
            self._tick_at = now + self._settings.verify_interval
            return
        if changed:
            self._changed(now)
        for flight in flying:
            self._follow(flight, now)
        self._watch_overdue(now)
        quiet = (now - self._changed_at) / 10
        self._tick_at = now + max(
            self._settings.verify_interval, min(quiet, LONGEST_TICK)
        )

    def _changed(self, now: float) -> None:
        """Something moved: look again soon."""
        self._changed_at = now
        self._tick_at = min(
            self._tick_at, now + self._settings.verify_interval
        )

    def _follow(self, flight: Flight, now: float) -> None:
        record = self._records.latest(flight.uuid)
        if record is None or record.id <= flight.baseline:
            if flight.in_doubt:
                self._try_again(flight, now)
            return
        flight.record = record
        flight.in_doubt = False
        if not record.in_progress:
            self._give_back_slot(flight)
            flight.look(at=now)

    def _watch_overdue(self, now: float) -> None:
        """End what Nova took but does not carry out.

        One that is being rebuilt on a live host is watched on, however long
        it takes: it would be wrong to call it failed.
        """
        overdue = [
            flight
            for flight in self._open(Phase.FLYING)
            if now - flight.asked_at >= self._settings.evacuation_timeout
        ]
        if not overdue:
            return
        try:
            services = self._recovery.compute.compute_services()
        except port.ComputeError:
            return
        alive = {service.host for service in services if service.up}
        for flight in overdue:
            if flight.record is None:
                flight.look(at=now)
                self._give_back_slot(flight)
            elif flight.record.dest_host in alive:
                flight.asked_at = now
            else:
                self._end(flight, VMoveStatus.FAILED, self._stuck(flight))

    def _stuck(self, flight: Flight) -> str:
        record = flight.record
        where = (record and record.dest_host) or "no host"
        status = (record and record.status) or "unknown"
        return (
            "Failed reason: timeout. Nova took the evacuation but has not "
            f"done it for {self._settings.evacuation_timeout:g} seconds "
            f"(status {status}, destination {where})."
        )

    # -- settling ---------------------------------------------------------

    def _read_servers(self) -> None:
        now = self._clock.monotonic()
        for flight in self._open(Phase.LOOKING):
            if flight.due_at <= now:
                self._submit(
                    flight,
                    functools.partial(
                        self._recovery.compute.server, flight.uuid
                    ),
                    done=self._decide,
                    failed=self._not_read,
                )

    def _not_read(self, flight: Flight, error: port.ComputeError) -> None:
        flight.trouble = str(error)
        flight.look(
            at=self._clock.monotonic() + self._settings.verify_interval
        )

    def _decide(self, flight: Flight, server: Server) -> None:
        flight.server = server
        step = flight.next_step(server, self._source)
        compute = self._recovery.compute
        if step is Step.SUCCEEDED:
            self._end(
                flight, VMoveStatus.SUCCEEDED, None, dest_host=server.host
            )
        elif step is Step.EVACUATE:
            self._again(flight, server)
        elif step is Step.FAILED:
            self._end(
                flight,
                VMoveStatus.FAILED,
                f"It is on {server.host} in state {server.vm_state}"
                + (f": {server.fault}" if server.fault else "."),
                dest_host=server.host,
            )
        elif step is Step.WAIT:
            self._settle_later(flight)
        elif step is Step.STOP:
            self._act(flight, functools.partial(compute.stop, flight.uuid))
        elif step is Step.START:
            self._act(flight, functools.partial(compute.start, flight.uuid))
        elif step is Step.MARK_ERROR:
            self._act(
                flight,
                functools.partial(compute.reset_state, flight.uuid, "error"),
            )

    def _again(self, flight: Flight, server: Server) -> None:
        """It is still on the failed host: evacuate it, or once more."""
        now = self._clock.monotonic()
        if flight.record is not None:
            flight.trouble = (
                server.fault or f"Nova's evacuation {flight.record.status}"
            )
            flight.forget_record()
            self._try_again(flight, now)
            return
        flight.phase = Phase.READY

    def _try_again(self, flight: Flight, now: float) -> None:
        """After a failed try: while there is time, and with a pause."""
        self._give_back_slot(flight)
        started = flight.first_asked_at
        limit = self._settings.evacuation_timeout
        if started is not None and now - started >= limit:
            self._end(flight, VMoveStatus.FAILED, flight.trouble)
            return
        flight.retry(now=now, after=flight.due_at - now)

    def _act(self, flight: Flight, call: Callable[[], None]) -> None:
        self._submit(
            flight,
            call,
            done=lambda flight, _: self._settle_later(flight),
            failed=self._not_acted,
        )

    def _not_acted(self, flight: Flight, error: port.ComputeError) -> None:
        flight.trouble = str(error)
        if isinstance(error, port.Refused) and not error.conflict:
            self._end(flight, VMoveStatus.FAILED, flight.trouble)
            return
        self._settle_later(flight)

    def _settle_later(self, flight: Flight) -> None:
        """Read the server again after an interval, within bounds."""
        now = self._clock.monotonic()
        if flight.settling_since is None:
            flight.settling_since = now
        limit = self._settings.stop_timeout
        if now - flight.settling_since >= limit:
            state = flight.server.vm_state if flight.server else "unknown"
            self._end(
                flight,
                VMoveStatus.FAILED,
                f"Failed reason: timeout. It did not reach its state within "
                f"{limit:g} seconds; it is {state}. {flight.trouble}".strip(),
                dest_host=flight.server.host if flight.server else None,
            )
            return
        flight.look(at=now + self._settings.verify_interval)

    # -- recording --------------------------------------------------------

    def _give_back_slot(self, flight: Flight) -> None:
        if flight.has_slot:
            flight.has_slot = False
            self._world.slots.give_back(self._key)

    def _end(
        self,
        flight: Flight,
        status: VMoveStatus,
        message: str | None,
        *,
        dest_host: str | None = None,
    ) -> None:
        self._give_back_slot(flight)
        self._outcomes.append(
            flight.outcome(status, dest_host=dest_host, message=message)
        )

    def _end_all(
        self, status: VMoveStatus, message: str, *phases: Phase
    ) -> None:
        for flight in self._open(*phases):
            self._end(flight, status, message)

    def _record(self) -> None:
        if not self._outcomes:
            return
        outcomes, self._outcomes = self._outcomes, []
        self._recovery.journal.settle(outcomes)
        done = len(self._flights) - len(self._open())
        tenths = 10 * done // len(self._flights)
        if tenths > self._reported:
            self._reported = tenths
            self._report(
                f"Evacuated or settled: {done} of {len(self._flights)}",
                tenths / 10,
            )
