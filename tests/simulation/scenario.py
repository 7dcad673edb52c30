# SPDX-License-Identifier: Apache-2.0
"""A scenario is played: things happen, and the engines see to it."""

import copy
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from masakari import exception
from masakari.db import segments
from masakari.domain.model import Host, Notification, NotificationType
from masakari.domain.server import SHUTDOWN
from masakari.domain.settings import RecoverySettings
from masakari.engine.housekeeping import INTERVAL
from masakari.simulator.faults import Fault
from masakari.simulator.records import DELETING, SOFT_DELETING
from tests.functional.db import records
from tests.simulation import places
from tests.simulation.clock import SimulatedClock
from tests.simulation.files import (
    Event,
    FaultFile,
    HostFile,
    ScenarioFiles,
    ServerFile,
)
from tests.simulation.harness import LEASE, STOPPED, Engine, Simulation

#: Seconds between two looks of an engine for work.
POLL = 2.0
#: Seconds that count as none.
ROUNDING = 1e-3
#: Seconds after which another engine has what a dead one had.
TAKEN_OVER_WITHIN = LEASE + POLL + 1


class Story:
    """The events, each at its time, unless the story halts for a while.

    :param happen: called with each event
    """

    def __init__(
        self, clock: SimulatedClock, happen: Callable[[Event], None]
    ) -> None:
        self._clock = clock
        self._happen = happen
        self._left = 0
        self._waiting: list[Event] = []
        self._halted_at: float | None = None
        #: How many seconds everything happens later than it was to.
        self.late = 0.0

    @property
    def over(self) -> bool:
        return not self._left

    def add(self, event: Event) -> None:
        """Have something happen."""
        self._left += 1
        self._clock.at(event.at, functools.partial(self._due, event))

    def halt(self, seconds: float) -> None:
        """Let nothing happen until :meth:`go_on`, or for so long."""
        if self._halted_at is None:
            self._halted_at = self._clock.elapsed
            self._clock.at(self._clock.elapsed + seconds, self.go_on)

    def go_on(self) -> None:
        if self._halted_at is None:
            return
        self.late += self._clock.elapsed - self._halted_at
        waiting, self._waiting = self._waiting, []
        self._halted_at = None
        for event in waiting:
            self._due(event)

    def _due(self, event: Event) -> None:
        if self._halted_at is not None:
            self._waiting.append(event)
        elif self._clock.elapsed < event.at + self.late - ROUNDING:
            self._clock.at(
                event.at + self.late, functools.partial(self._due, event)
            )
        else:
            self._left -= 1
            self._happen(event)


class Scenario:
    """What happens to a cloud, and what is to come of it."""

    def __init__(self, files: ScenarioFiles) -> None:
        self.cloud, self.events = files.cloud, files.events
        self.expected = files.expected
        self.simulation = Simulation(
            RecoverySettings(**self.cloud.settings),
            **self.cloud.simulator,
        )
        # It is only there to be shown, and takes its time.
        if not self.expected.tasks:
            self.simulation.progress_in = places.NOWHERE
        self.story = Story(self.simulation.clock, self._happen)
        self.hosts: dict[str, Host] = {}
        self.servers: dict[str, list[str]] = {}
        self.names: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.reports: dict[str, Notification] = {}
        self.first_report: float | None = None
        self.ended_at = 0.0
        self._rivals = 0
        self._build()

    # -- before ------------------------------------------------------------

    def _build(self) -> None:
        methods = {"segment": self.cloud.method, **self.cloud.segments}
        known = {
            name: records.segment(
                self.simulation.database,
                name=name,
                recovery_method=method,
                enabled=self.cloud.enabled,
            )
            for name, method in methods.items()
        }
        for name, fields in self.cloud.hosts.items():
            self._build_host(name, fields, known)
        for name, hosts_in_it in self.cloud.aggregates.items():
            self.simulation.cloud.create_aggregate(name, tuple(hosts_in_it))
        for name, server in self.cloud.servers.items():
            self._build_servers(name, server)
        for name, fields in self.cloud.hosts.items():
            if fields.reserved:
                self._remember_reserve(name)

    def _build_host(
        self, name: str, fields: HostFile, known: Mapping[str, Any]
    ) -> None:
        record = self.simulation.cloud.add_host(
            name,
            slots=fields.slots,
            hypervisor=fields.hypervisor,
            enabled=fields.disabled is None,
        )
        record.disabled_reason = fields.disabled
        self.hosts[name] = records.host(
            self.simulation.database,
            known[fields.segment],
            name=name,
            reserved=fields.reserved,
            on_maintenance=fields.on_maintenance,
        )

    def _remember_reserve(self, name: str) -> None:
        cloud, invariants = self.simulation.cloud, self.simulation.invariants
        invariants.reserves[name] = copy.copy(cloud.hosts[name])
        invariants.memberships[name] = {
            aggregate.name
            for aggregate in cloud.aggregates.values()
            if name in aggregate.hosts
        }

    def _build_servers(self, name: str, fields: ServerFile) -> None:
        names = [name]
        if fields.count is not None:
            names = [f"{name}-{number}" for number in range(fields.count)]
        self.servers[name] = []
        for one in names:
            record = self.simulation.cloud.create_server(
                one,
                fields.host,
                metadata=fields.metadata,
                vm_state=fields.state,
                task_state=fields.task,
                power_state=fields.power,
                locked=fields.locked,
            )
            self.servers[name].append(record.uuid)
            self.names[record.uuid] = one
            self.simulation.invariants.locked[record.uuid] = fields.locked
            self._may_be_restored(record.uuid)
            if fields.task in (DELETING, SOFT_DELETING):
                self.simulation.invariants.leave_alone(
                    record.uuid, deleted=True
                )

    def _may_be_restored(self, uuid: str) -> None:
        """As it is now."""
        record = self.simulation.cloud.servers[uuid]
        states = self.simulation.invariants.origins.setdefault(uuid, [])
        states.append((record.vm_state, record.power_state))

    # -- meanwhile ---------------------------------------------------------

    def lose_at(
        self,
        *,
        deadly: Iterable[int] = (),
        freezing: Mapping[int, float] | None = None,
    ) -> None:
        """Kill or freeze who takes these steps; another engine is started.

        What is to happen later does so as long after another engine has
        taken over as it would have after the step.

        :param deadly: who takes one of these steps is killed
        :param freezing: who takes one of these goes on so many seconds later
        """
        self.simulation.progress_in = places.NOWHERE
        self.simulation.progress_in = places.NOWHERE
        steps = self.simulation.steps
        steps.deadly = set(deadly)
        steps.freezing = dict(freezing or {})
        steps.on_loss = self._replace_engine
        steps.on_claim = self.story.go_on

    def _replace_engine(self, lost: Engine) -> None:
        if self.simulation.invariants.has_claims(lost.name):
            self.story.halt(TAKEN_OVER_WITHIN)
        self._start_engines(1)

    def race(self) -> None:
        """Have one engine more than there are, and all act at once."""
        self.simulation.progress_in = places.NOWHERE
        self.simulation.progress_in = places.NOWHERE
        self.simulation.database_delay = 0.001
        self._rivals = 1

    def play(self) -> None:
        """Let happen what is to happen, and the engines see to it.

        :raises Violation: what must never happen has happened
        """
        clock = self.simulation.clock
        self.simulation.invariants.at_commit()
        for event in self.events:
            self.story.add(event)
        self._start_engines(self.cloud.engines)
        try:
            self._go_on()
        finally:
            for engine in self.simulation.engines:
                engine.alive = False
            clock.stop()

    def _go_on(self) -> None:
        self._go_on_until(self.cloud.run)

    def _go_on_until(self, seconds: float) -> None:
        """Until that time at most, and until nothing is left to do."""
        clock = self.simulation.clock
        while clock.elapsed < seconds + self.story.late:
            clock.pass_time(1)
            self.simulation.invariants.raise_broken()
            # Engines that are frozen may wake up with nothing left to do.
            if self.simulation.invariants.unfinished:
                self.ended_at = clock.elapsed
            if self.story.over and not self._is_going_on:
                return

    @property
    def _is_going_on(self) -> bool:
        """Whether an engine has something to do, or to wake up with."""
        invariants = self.simulation.invariants
        return (
            invariants.unfinished
            or invariants.returning
            or any(engine.busy for engine in self.simulation.engines)
        )

    def _start_engines(self, count: int) -> None:
        clocks = self.cloud.clocks
        if count and not self.simulation.engines:
            count += self._rivals
        for _ in range(count):
            number = len(self.simulation.engines) + 1
            engine = self.simulation.engine(
                f"engine-{number}",
                evacuates_stopped=self.cloud.evacuates_stopped,
                in_turns=True,
                fast=clocks[(number - 1) % len(clocks)],
            )
            first = 0.0 if self._rivals else (number - 1) * 0.1
            self._poll(engine, first=first)
            self._keep_house(engine, first=first)

    def _poll(self, engine: Engine, *, first: float) -> None:
        clock = self.simulation.clock

        def poll() -> None:
            if self.simulation.invariants.claimable:
                engine.poll_in_turn()
            clock.at(clock.elapsed + POLL, poll)

        clock.at(clock.elapsed + first, poll)

    def _keep_house(self, engine: Engine, *, first: float) -> None:
        clock = self.simulation.clock

        def turn() -> None:
            if self.simulation.invariants.waits_for_process:
                engine.keep_house()
            clock.at(clock.elapsed + INTERVAL, turn)

        clock.at(clock.elapsed + first, turn)

    def _happen(self, event: Event) -> None:
        verb = event.verb
        value = getattr(event, verb)
        self.simulation.trace.add(f"EVENT {verb} {value}")
        self.simulation.steps.events += 1
        act: Callable[[Any], Any] = getattr(self, f"_{verb}", None) or (
            getattr(self.simulation.cloud, verb, None)
        )
        try:
            self._try(act, event if verb == "report" else value, event.refused)
            self.simulation.invariants.at_commit()
        except Exception as error:
            # What an engine that waits here would catch.
            text = f"{event.at}: {verb}: {error!r}"
            raise self.simulation.invariants.broken(text) from error

    def _try(
        self, act: Callable[[Any], Any], value: Any, refused: str | None
    ) -> None:
        try:
            act(value)
        except exception.MasakariException as error:
            assert type(error).__name__ == refused, error
            return
        assert refused is None, f"not refused as {refused}"

    def _fault(self, file: FaultFile) -> None:
        until = None
        if file.lasts is not None:
            until = self.simulation.clock.epoch() + file.lasts
        fault = self.simulation.cloud.faults.add(
            file.verb,
            file.outcome,
            message=file.message,
            server=file.server and self._uuid(file.server),
            host=file.host,
            caller=file.engine and f"engine-{file.engine}",
            times=file.times,
            until=until,
            retry_after=file.retry_after,
            seconds=file.seconds,
        )
        if not file.needless:
            self.faults.append(fault)

    def _heal(self, _: bool) -> None:
        self.simulation.cloud.faults.clear()

    def _delete(self, name: str) -> None:
        self.simulation.cloud.delete_server(self._uuid(name))

    def _halt(self, name: str) -> None:
        guest = self.simulation.cloud.servers[self._uuid(name)]
        guest.vm_state, guest.power_state = "stopped", SHUTDOWN
        self._may_be_restored(guest.uuid)

    def _idle(self, name: str) -> None:
        self.simulation.cloud.servers[self._uuid(name)].task_state = None

    def _evacuate(self, name: str) -> None:
        self.simulation.invariants.about_to_double(self._uuid(name))
        with self.simulation.somebody_else():
            self.simulation.cloud.compute.evacuate(self._uuid(name))

    def _retry(self, name: str) -> None:
        self.simulation.retry(self.reports[name])

    def _resize(self, slots: Mapping[str, int]) -> None:
        for name, number in slots.items():
            self.simulation.cloud.hosts[name].slots = number

    def _disable(self, reasons: Mapping[str, str]) -> None:
        for name, reason in reasons.items():
            host = self.simulation.cloud.hosts[name]
            host.enabled, host.disabled_reason = False, reason

    def _enable(self, name: str) -> None:
        host = self.simulation.cloud.hosts[name]
        host.enabled, host.disabled_reason = True, None

    def _maintain(self, wanted: Mapping[str, bool]) -> None:
        for name, value in wanted.items():
            self.simulation.update_host(self.hosts[name], on_maintenance=value)

    def _reserve(self, name: str) -> None:
        self.simulation.update_host(self.hosts[name], reserved=True)

    def _enable_segment(self, enabled: bool) -> None:
        segment = next(iter(self.hosts.values())).segment
        self.simulation.database.write(
            segments.update, segment.uuid, enabled=enabled
        )

    def _kill_engine(self, moment: Sequence[Any]) -> None:
        when, verb, count = moment
        steps = self.simulation.steps
        # Where one is lost besides, that step may never be taken.
        lost = steps.deadly or steps.freezing
        assert steps.kill_at is None or lost, "one is to be killed already"
        steps.kill_at = (when, verb, count)

    def _freeze_engine(self, moment: Sequence[Any]) -> None:
        when, verb, count, seconds = moment
        self.simulation.steps.freeze_at[when, verb, count] = float(seconds)

    def _engine(self, number: int) -> Engine:
        return self.simulation.engines[number - 1]

    def _crash_engine(self, number: int) -> None:
        self._engine(number).die()

    def _wake(self, number: int) -> None:
        self._engine(number).poll_in_turn()

    def _stop_engine(self, number: int) -> None:
        self._engine(number).stopping.set()

    def _suspend_engine(self, given: Sequence[int]) -> None:
        number, seconds = given
        self._engine(number).suspend(seconds)

    def _database_away(self, seconds: float) -> None:
        clock = self.simulation.clock
        self.simulation.database_back_at = clock.elapsed + seconds

    def _report(self, event: Event) -> None:
        if self.first_report is None:
            self.first_report = self.simulation.clock.elapsed
        kind = NotificationType(event.report or "")
        payload = dict(event.payload or _usual(kind))
        if kind is NotificationType.VM:
            payload["instance_uuid"] = self._uuid(event.server or "")
        made = self.simulation.report(
            event.host or "", kind, payload, skew=self._skew(event)
        )
        self.reports[event.name or "it"] = made
        self.names[made.uuid] = event.name or "it"
        if kind is NotificationType.VM:
            states = self.simulation.invariants.origins
            states[self._uuid(event.server or "")].append(("active", 1))

    def _skew(self, event: Event) -> float:
        if event.again is None:
            return event.skew or 0.0
        dated = self.reports[event.again].generated_time
        return (dated - self.simulation.clock.utcnow()).total_seconds()

    def _uuid(self, name: str) -> str:
        for uuid, known in self.names.items():
            if known == name:
                return uuid
        raise AssertionError(f"there is no server {name}")

    def told(self) -> str:
        """What happened, for people."""
        return self.simulation.trace.text(self.names)


def _usual(kind: NotificationType) -> Mapping[str, str]:
    """What is reported most."""
    return {
        NotificationType.COMPUTE_HOST: STOPPED,
        NotificationType.VM: {
            "event": "LIFECYCLE",
            "vir_domain_event": "STOPPED_FAILED",
        },
        NotificationType.PROCESS: {
            "event": "STOPPED",
            "process_name": "nova-compute",
        },
    }[kind]
