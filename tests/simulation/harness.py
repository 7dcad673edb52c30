# SPDX-License-Identifier: Apache-2.0
"""The real engine on a simulated cloud, in one thread, on simulated time."""

import collections
import contextlib
import datetime
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any, NamedTuple, cast

from masakari import context, exception
from masakari.db import hosts, notifications, progress
from masakari.db import vmoves as db_vmoves
from masakari.db.query import Page
from masakari.db.session import Database
from masakari.domain.model import (
    UNFINISHED,
    Host,
    Notification,
    NotificationType,
    TaskProgress,
    VMove,
)
from masakari.domain.settings import RecoverySettings
from masakari.engine.attempt import recover
from masakari.engine.flows import Flows
from masakari.engine.housekeeping import Housekeeping
from masakari.engine.intake import Intake
from masakari.engine.lease import Lease
from masakari.engine.nova_access import RETRY_INTERVAL, NovaAccess
from masakari.engine.slots import Slots
from masakari.engine.world import World
from masakari.services import hosts as host_changes
from masakari.services import interventions
from masakari.services import notifications as reports
from masakari.services.environment import Services, Settings
from masakari.simulator.cloud import Cloud
from masakari.simulator.gate import Call, When
from masakari.simulator.port import SimulatedCompute
from tests.functional.db import records
from tests.simulation import invariants, places
from tests.simulation.clock import SimulatedClock, Skewed
from tests.simulation.trace import Trace
from tests.unit.events.recorder import Silent

LEASE, RENEWAL = 15.0, 5.0
#: Nova's service_down_time here: a killed host is down after it.
DOWN_AFTER = 6.0

STOPPED = {
    "event": "STOPPED",
    "host_status": "NORMAL",
    "cluster_status": "OFFLINE",
}


class NotRetried(exception.MasakariException):
    """An operator is refused another attempt."""


class EngineKilled(BaseException):
    """kill -9: nothing in the engine may catch it."""


class Step(NamedTuple):
    """A moment right ``before`` or ``after`` something that engines do.

    :param kind: ``call`` (to Nova) or ``commit``
    :param name: the call, or the function that writes
    :param engine: whose step it is
    :param at: in seconds of the simulation, and how many events there have
        been
    """

    when: When
    kind: str
    name: str
    subject: str
    engine: str
    at: tuple[float, int]


class Steps:
    """What the engines do, and where one of them dies.

    :ivar taken: all that they have done
    :ivar deadly: the numbers of the steps, from 1, at which who acts is
        killed
    :ivar freezing: the numbers of those at which who acts is frozen, and
        for how many seconds
    :ivar kill_at: the same by name: whoever takes that step for the n-th
        time is killed
    :ivar freeze_at: for how many seconds whoever takes a step for the n-th
        time is frozen
    :ivar events: how many things have happened that no engine does
    :ivar on_loss: called with the engine that has been killed or frozen by
        the number of a step
    :ivar on_claim: called when one has claimed something
    """

    def __init__(self) -> None:
        self.taken: list[Step] = []
        self.deadly: set[int] = set()
        self.freezing: dict[int, float] = {}
        self.kill_at: tuple[str, str, int] | None = None
        self.freeze_at: dict[tuple[str, str, int], float] = {}
        self.events = 0
        self.on_loss: Callable[[Engine], None] = lambda _: None
        self.on_claim: Callable[[], None] = lambda: None
        self._seen: collections.Counter[tuple[str, str]] = (
            collections.Counter()
        )

    def take(self, engine: "Engine", step: Step) -> None:
        """Note a step down; maybe the engine dies of it, or is frozen."""
        self.taken.append(step)
        self._seen[step.when, step.name] += 1
        named = (step.when, step.name, self._seen[step.when, step.name])
        if named == self.kill_at:
            self.kill_at = None
            engine.die()
        if named in self.freeze_at:
            engine.suspend(self.freeze_at.pop(named))
        if len(self.taken) in self.deadly:
            engine.die()
            self.on_loss(engine)
        elif len(self.taken) in self.freezing:
            engine.suspend(self.freezing[len(self.taken)])
            self.on_loss(engine)
        elif step.name == "claim" and step.when == "after":
            self.on_claim()


class _Asleep:
    """Engines that no message reaches; they look for work themselves."""

    def process_notification(self, *_args: Any) -> None:
        """It is lost."""


class MortalDatabase:
    """The shared database, as long as the engine that uses it lives.

    Like the real one it tries again by itself what a restart of the server
    breaks; :attr:`Simulation.database_back_at` is about longer absences.
    """

    def __init__(self, engine: "Engine", database: Database) -> None:
        self._engine = engine
        self._database = database

    def read(self, *args: Any, **kwargs: Any) -> Any:
        self._engine.reach_database()
        return self._database.read(*args, **kwargs)

    def write(self, *args: Any, **kwargs: Any) -> Any:
        self._engine.reach_database()
        name = args[0].__name__
        self._engine.step("before", "commit", name)
        result = self._database.write(*args, **kwargs)
        self._engine.committed()
        self._engine.step("after", "commit", name)
        return result


class _Turns(futures.Executor):
    """Recoveries that go on side by side, as in the threads of an engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def submit(self, work: Any, lease: Lease, /) -> Any:
        self._engine.spawn(lambda: work(lease), lease)


class _AtOnce(futures.Executor):
    """A recovery is carried out by whoever finds it."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def submit(self, work: Any, lease: Lease, /) -> Any:
        with self._engine.acting(lease):
            work(lease)


class _Calls(futures.Executor):
    """Calls to Nova in the background.

    What they change they change at once; the result is there when they have
    taken their time, and not before whoever makes them waits.
    """

    def __init__(self, clock: SimulatedClock, engine: "Engine") -> None:
        self._clock = clock
        self._engine = engine

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Any:
        future: futures.Future[Any] = futures.Future()
        future.set_running_or_notify_cancel()

        def make() -> None:
            try:
                complete = functools.partial(
                    future.set_result, call(*args, **kwargs)
                )
            except Exception as error:
                complete = functools.partial(future.set_exception, error)
            self._clock.at(self._clock.elapsed, complete)

        self._engine.begin(make)
        return future


class Engine:
    """One engine process: it has its own intake, slots and stop signal.

    :param in_turns: its recoveries take turns, instead of one being carried
        out by whoever polls
    :param fast: seconds that its clock is before the right time
    """

    def __init__(
        self,
        simulation: "Simulation",
        name: str,
        *,
        evacuates_stopped: bool = True,
        in_turns: bool = False,
        fast: float = 0.0,
    ) -> None:
        self._simulation = simulation
        self.name = name
        self.alive = True
        self.suspended_until = 0.0
        self.stopping = threading.Event()
        settings = simulation.settings
        compute = SimulatedCompute(
            simulation.cloud,
            wait=simulation.clock.pass_time,
            evacuates_stopped=evacuates_stopped,
        )
        clock = Skewed(simulation.clock, fast)
        self.access = NovaAccess(compute, clock)
        world = World(
            clock=clock,
            database=cast(
                "Database", MortalDatabase(self, simulation.database)
            ),
            compute=compute,
            access=self.access,
            calls=_Calls(simulation.clock, self),
            settings=settings,
            slots=Slots(settings.window_ceiling),
            events=Silent(),
            stopping=self.stopping,
        )
        self.intake = Intake(
            world,
            _Turns(self) if in_turns else _AtOnce(self),
            owner=name,
            capacity=32,
            lease=LEASE,
            recover=functools.partial(recover, world, simulation.flows()),
            on_done=lambda: None,
        )
        self._housekeeping = Housekeeping(world, self.intake)
        self._keeps_house = False
        simulation.engines.append(self)
        simulation.clock.every(RENEWAL, self._renew)
        simulation.clock.every(RETRY_INTERVAL, self._ask_nova)

    def poll(self) -> None:
        """Work on what is due, to its end, or until it is killed."""
        if self._runs and not self.stopping.is_set():
            self.act(self.intake.poll)

    def poll_in_turn(self) -> None:
        """The same, while others go on."""
        self._simulation.clock.spawn(self.poll, held_until=self._held_until)

    def spawn(self, work: Callable[[], Any], lease: Lease) -> None:
        """Have it work on something while others go on."""
        self._simulation.clock.spawn(
            lambda: self.act(work, lease), held_until=self._held_until
        )

    def begin(self, work: Callable[[], Any]) -> None:
        """The same, for what it works on now, and at once."""
        lease = self._simulation.acting[-1].lease
        self._simulation.clock.begin(
            lambda: self.act(work, lease), held_until=self._held_until
        )
        self.go_on()

    def keep_house(self) -> None:
        """Take a turn of housekeeping, while others go on."""
        if not self._keeps_house:
            self._keeps_house = True
            self._simulation.clock.spawn(
                self._keep_house, held_until=self._held_until
            )

    def _keep_house(self) -> None:
        try:
            if self._runs and not self.stopping.is_set():
                self.act(self._housekeeping.run)
        finally:
            self._keeps_house = False

    def act(
        self, function: Callable[[], Any], lease: Lease | None = None
    ) -> None:
        """Call something of this engine."""
        with self.acting(lease):
            try:
                function()
            except EngineKilled:
                assert not self.alive
            except exception.ServiceUnavailable:
                # The service looks again at its next turn.
                return
        self._simulation.invariants.raise_broken()

    @contextlib.contextmanager
    def acting(self, lease: Lease | None) -> Iterator[None]:
        """What this thread does, it does for the engine.

        :param lease: of the claim that it works on
        """
        self._simulation.acting.append(Actor(self, lease))
        try:
            yield
        finally:
            self._simulation.acting.pop()

    def committed(self) -> None:
        """It has written something."""
        self._simulation.invariants.at_commit()

    def step(
        self, when: When, kind: str, name: str, subject: str = ""
    ) -> None:
        """:raises EngineKilled: this is where it dies"""
        steps = self._simulation.steps
        at = self._simulation.clock.elapsed, steps.events
        steps.take(self, Step(when, kind, name, subject, self.name, at))
        self.go_on()

    def reach_database(self) -> None:
        """:raises ServiceUnavailable: the database is away"""
        self.go_on()
        if self._simulation.database_delay:
            self._simulation.clock.pass_time(self._simulation.database_delay)
            self.go_on()
        if self._simulation.clock.elapsed < self._simulation.database_back_at:
            raise exception.ServiceUnavailable()

    def die(self) -> None:
        """As by kill -9."""
        self.alive = False
        self._simulation.trace.add(f"{self.name} is killed")

    def suspend(self, seconds: float) -> None:
        """As by SIGSTOP, and SIGCONT later."""
        until = self._simulation.clock.elapsed + seconds
        self.suspended_until = max(self.suspended_until, until)
        self._simulation.trace.add(f"{self.name} is suspended")

    def _held_until(self) -> float:
        return self.suspended_until

    @property
    def _runs(self) -> bool:
        awake = self.suspended_until <= self._simulation.clock.elapsed
        return self.alive and awake

    @property
    def busy(self) -> bool:
        """Whether it works on something, or will go on with it."""
        return self.alive and bool(self.intake.leases)

    def go_on(self) -> None:
        """Called before and after whatever others can notice.

        A suspended engine does nothing until it is awake, a killed one
        nothing more, whatever catches what.

        :raises EngineKilled:
        """
        self._simulation.clock.hold()
        if not self.alive:
            raise EngineKilled

    def _renew(self) -> None:
        if self._runs:
            self._simulation.clock.begin(
                lambda: self.act(self.intake.renew),
                held_until=self._held_until,
            )

    def _ask_nova(self) -> None:
        """As long as it can use Nova, it has no questions of its own."""
        if self._runs and not self.access.usable:
            self._simulation.clock.spawn(
                lambda: self.act(self.access.check),
                held_until=lambda: self.suspended_until,
            )


class Actor(NamedTuple):
    """Who acts, and under which claim; None outside of recoveries."""

    engine: Engine
    lease: Lease | None


class Simulation:
    """A cloud, Masakari's database, and as many engines as a test starts.

    What must never happen is checked at every call to Nova.
    """

    def __init__(
        self,
        settings: RecoverySettings | None = None,
        **cloud: Any,
    ) -> None:
        self.clock = SimulatedClock()
        self.settings = settings or RecoverySettings()
        cloud = {
            "service_down_time": DOWN_AFTER,
            "report_interval": 2.0,
            **cloud,
        }
        self.cloud = Cloud(self.clock.epoch, **cloud)
        self.cloud.on_call = self._on_call
        self.cloud.gate.caller = self._caller
        self._place, self._give_back = places.take(self, self.clock.utcnow)
        self.database = self._place.database
        #: Where the engines keep the progress of their tasks.
        self.progress_in = self._place.connection
        self.most_in_flight = 0
        self.lease = LEASE
        self.engines: list[Engine] = []
        self._acting: dict[int, list[Actor]] = {}
        self.database_back_at = 0.0
        #: Seconds that engines wait for a transaction, in which others act.
        self.database_delay = 0.0
        self.trace = Trace(lambda: self.clock.elapsed)
        self.invariants = invariants.Invariants(self)
        self.steps = Steps()

    def close(self) -> None:
        """Leave the database to others."""
        self._give_back()

    def flows(self) -> Flows:
        """The workflows of an engine."""
        return self._place.flows(self.progress_in)

    @property
    def acting(self) -> list[Actor]:
        """Who acts in this thread, the innermost one last."""
        return self._acting.setdefault(threading.get_ident(), [])

    # -- building ---------------------------------------------------------

    def hosts(
        self,
        count: int,
        *,
        method: str = "auto",
        enabled: bool = True,
        slots: int = 100,
    ) -> list[Host]:
        """A segment of compute hosts, in Nova and in Masakari."""
        segment = records.segment(
            self.database, recovery_method=method, enabled=enabled
        )
        for number in range(count):
            self.cloud.add_host(f"compute-{number}", slots=slots)
        return [
            records.host(self.database, segment, name=f"compute-{number}")
            for number in range(count)
        ]

    def servers(self, host: Host, count: int, **kwargs: Any) -> list[str]:
        """Servers on a host; returns their uuids."""
        return [
            self.cloud.create_server(f"vm-{number}", host.name, **kwargs).uuid
            for number in range(count)
        ]

    def fail(self, host: Host, *, seen: bool = True) -> Notification:
        """Kill a host and report it, before or after Nova sees it down."""
        self.cloud.kill(host.name)
        if seen:
            self.clock.pass_time(DOWN_AFTER + 1)
        return self.notify(host)

    def notify(
        self,
        host: Host,
        payload: Mapping[str, str] = STOPPED,
        *,
        type: str = "COMPUTE_HOST",
    ) -> Notification:
        return records.notification(
            self.database,
            host,
            type=type,
            generated_time=self.clock.utcnow(),
            payload=payload,
            request_id="req-simulated",
        )

    def report(
        self,
        hostname: str,
        type: NotificationType,
        payload: Mapping[str, str],
        *,
        skew: float = 0.0,
    ) -> Notification:
        """Report by the rules of the API; no engine is woken.

        :param skew: seconds that the sender's clock is fast
        :raises MasakariException: it is refused
        """
        return reports.create(
            self._services(),
            context.admin("req-simulated"),
            type=type,
            hostname=hostname,
            generated_time=self.clock.utcnow()
            + datetime.timedelta(seconds=skew),
            payload=payload,
        )

    def update_host(self, host: Host, **values: bool) -> None:
        """What an operator does to a host through the API.

        :raises MasakariException: it is refused
        """
        host_changes.update(
            self._services(),
            context.admin("req-operator"),
            host.segment.uuid,
            host.uuid,
            values,
        )

    def retry(self, notification: Notification) -> None:
        """An operator wants one that has failed to be tried again.

        :raises NotRetried: it is refused
        """
        uuid = notification.uuid
        self.invariants.grant(uuid)
        refusal = interventions.retry(
            self.database, uuid, expiry=self.settings.expiry
        )
        if refusal is not None:
            self.invariants.withdraw(uuid)
            raise NotRetried(refusal.reason)

    def _services(self) -> Services:
        return Services(
            database=self.database,
            workflows=self.database,
            compute=lambda: SimulatedCompute(self.cloud),
            engine_client=_Asleep(),
            events=Silent(),
            settings=Settings(),
        )

    def engine(self, name: str = "engine-1", **kwargs: Any) -> Engine:
        return Engine(self, name, **kwargs)

    # -- running ----------------------------------------------------------

    def run(self, *engines: Engine, seconds: float = 900) -> None:
        """Let the engines look for work every two seconds.

        Until nothing is left to do, or for as long as ``seconds``.
        """
        end = self.clock.elapsed + seconds
        while self.clock.elapsed < end:
            for engine in engines:
                engine.poll()
            if not self.unfinished():
                return
            self.clock.pass_time(2)

    def unfinished(self) -> list[Notification]:
        """The notifications without a final status."""
        return [n for n in self.all_notifications() if n.status in UNFINISHED]

    def all_notifications(self) -> list[Notification]:
        return self.database.read(notifications.select, {}, Page())

    def all_moves(self) -> list[VMove]:
        """Oldest first."""
        found = [
            move
            for notification in self.all_notifications()
            for move in self.vmoves(notification)
        ]
        return sorted(found, key=lambda move: move.id)

    def recover(self, notification: Notification) -> Notification:
        """One undisturbed engine, until nothing is left to do."""
        self.run(self.engine())
        return self.now(notification)

    @contextlib.contextmanager
    def somebody_else(self) -> Iterator[None]:
        """Who calls Nova here is none of the engines, and is lucky."""
        hook, self.cloud.on_call = self.cloud.on_call, None
        try:
            with self.cloud.faults.spared():
                yield
        finally:
            self.cloud.on_call = hook

    def make_well(self) -> None:
        """Nothing is wrong any more with Nova, with hosts or the database.

        Nor does an operator keep a host out of service.
        """
        self.trace.add("everything is well again")
        self.database_back_at = 0.0
        self.cloud.faults.clear()
        for name, host in self.cloud.hosts.items():
            self.cloud.revive(name)
            self.cloud.thaw(name)
            host.slots = 100
            host.forced_down = False

    # -- looking ----------------------------------------------------------

    def now(self, notification: Notification) -> Notification:
        return self.database.read(notifications.get, notification.uuid)

    def host_now(self, host: Host) -> Host:
        return self.database.read(hosts.get, host.uuid)

    def vmoves(self, notification: Notification) -> list[VMove]:
        """Oldest first."""
        page = Page(sort_keys=("id",), sort_dirs=("asc",))
        return self.database.read(
            db_vmoves.select, notification.uuid, {}, page
        )

    def progress(self, notification: Notification) -> list[TaskProgress]:
        return self.database.read(
            progress.of_notification,
            notification.uuid,
            self.now(notification).status,
        )

    def evacuated(self) -> list[str]:
        """The servers that Nova was asked to evacuate, in that order."""
        return [
            call.subject
            for call in self.cloud.calls
            if call.verb == "evacuate"
        ]

    # -- what must never happen -------------------------------------------

    def _caller(self) -> str | None:
        return self.acting[-1].engine.name if self.acting else None

    def _on_call(self, when: When, call: Call) -> None:
        engine = self.acting[-1].engine
        engine.go_on()
        if when == "before":
            self.trace.add(
                f"{engine.name}: {call.verb} {call.subject} "
                f"{call.detail}".rstrip()
            )
        self.invariants.at_call(when, call.verb, call.subject, call.detail)
        if when == "sent":
            return
        self.most_in_flight = max(
            self.most_in_flight, self.invariants.in_flight()
        )
        engine.step(when, "call", call.verb, call.subject)
