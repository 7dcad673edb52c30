# SPDX-License-Identifier: Apache-2.0
"""Scenarios: folders that say what there is, what happens and what is to be.

``README``
    What the scenario is about.
``cloud.yaml``
    A :class:`CloudFile`: hosts, servers, settings.
``events.yaml``
    A list of :class:`Event`: what happens, at which second.
``expect.yaml``
    An :class:`Expectation`: facts, never the text of a log.

Unknown keys are errors, and so are a fault that no call meets and an engine
that is to be killed and is not: a slip of the pen cannot make an expectation
vanish.
"""

import collections
import copy
import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from masakari import exception
from masakari.db import hosts, segments
from masakari.domain.model import (
    SETTLED,
    UNFINISHED,
    Host,
    Notification,
    NotificationStatus,
    NotificationType,
)
from masakari.domain.server import SHUTDOWN
from masakari.domain.settings import RecoverySettings
from masakari.nova.port import ComputePort
from masakari.simulator.faults import Fault
from tests.simulation import strict
from tests.simulation.harness import STOPPED, Engine, Simulation

#: Seconds between two looks of an engine for work.
POLL = 2.0

_CALLS = frozenset(name for name in vars(ComputePort) if name[0] != "_")
_FAULTY = _CALLS | {"rebuild", "authenticate", "*"}

#: One value for all, how many have which, or those that may be.
_Values = str | int | Mapping[str, int] | Sequence[str | None] | None

_NOTIFICATION_FACTS: Mapping[str, Any] = {
    "status": str,
    "message": str | Sequence[str] | None,
    "attempts": int,
}
_SERVER_FACTS: Mapping[str, Any] = {
    "host": _Values,
    "state": _Values,
    "power": _Values,
    "task": _Values,
    "locked": bool,
    "gone": bool,
}
_HOST_FACTS: Mapping[str, Any] = {
    "reserved": bool,
    "on_maintenance": bool,
    "enabled": bool,
    "reason": str | None,
    "forced_down": bool,
    "servers": int,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class HostFile:
    """A compute host; ``disabled`` is the reason for which it is."""

    slots: int = 100
    hypervisor: str | None = None
    reserved: bool = False
    on_maintenance: bool = False
    disabled: str | None = None
    segment: str = "segment"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerFile:
    """One server or, with ``count``, some that are called NAME-0 and so on."""

    host: str
    count: int | None = None
    state: str = "active"
    task: str | None = None
    power: int | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    locked: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudFile:
    """The world before anything happens.

    ``method`` and ``enabled`` are those of the segment; ``segments`` names
    further ones with their methods. ``run`` is when to give up, in seconds.
    """

    hosts: Mapping[str, HostFile]
    method: str = "auto"
    enabled: bool = True
    segments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    servers: Mapping[str, ServerFile] = dataclasses.field(default_factory=dict)
    aggregates: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    simulator: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    engines: int = 1
    evacuates_stopped: bool = True
    run: float = 1200


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaultFile:
    """See :meth:`masakari.simulator.faults.Faults.add`.

    ``lasts`` is in seconds from now. One that is ``needless`` is there to
    show that nobody meets it.
    """

    verb: str
    outcome: int | str
    message: str | None = None
    server: str | None = None
    host: str | None = None
    times: int | None = None
    lasts: float | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    needless: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """What happens ``at`` a second: one of these.

    ``kill``, ``revive``, ``freeze``, ``thaw``: a compute host.

    ``report``: a notification of this type, about ``host`` or ``server``,
    with the usual ``payload`` or another one. It is called ``name`` from
    then on; the sender's clock is ``skew`` seconds fast.

    ``refused`` is the error with which the API answers a report or what an
    operator does.

    ``fault``, ``heal``: Nova fails in some way; all failures are over.

    ``delete``, ``halt``, ``idle``, ``evacuate``: a user deletes or stops a
    server, a task of it ends, an operator evacuates it.

    ``resize`` (slots by host), ``disable`` (reason by host), ``enable``,
    ``maintain`` (by host), ``reserve``, ``enable_segment``: an operator
    changes what hosts are.

    ``kill_engine`` (``[before, evacuate, 3]``: at the third call from the
    beginning), ``crash_engine``, ``stop_engine`` (SIGTERM), ``suspend_engine``
    (number and seconds), ``start_engines`` (how many more),
    ``database_away`` (seconds): what happens to Masakari.
    """

    at: float
    kill: str | None = None
    revive: str | None = None
    freeze: str | None = None
    thaw: str | None = None
    report: str | None = None
    name: str | None = None
    host: str | None = None
    server: str | None = None
    payload: Mapping[str, str] | None = None
    skew: float | None = None
    refused: str | None = None
    fault: FaultFile | None = None
    heal: bool | None = None
    delete: str | None = None
    halt: str | None = None
    idle: str | None = None
    evacuate: str | None = None
    resize: Mapping[str, int] | None = None
    disable: Mapping[str, str] | None = None
    enable: str | None = None
    maintain: Mapping[str, bool] | None = None
    reserve: str | None = None
    enable_segment: bool | None = None
    kill_engine: Sequence[Any] | None = None
    crash_engine: int | None = None
    stop_engine: int | None = None
    suspend_engine: Sequence[int] | None = None
    start_engines: int | None = None
    database_away: float | None = None

    @property
    def verb(self) -> str:
        """:raises Slip: it has none, or several"""
        about_reports = {"name", "host", "server", "payload", "skew"}
        given = {
            field.name
            for field in dataclasses.fields(self)
            if getattr(self, field.name) is not None
        }
        verbs = given - about_reports - {"at", "refused"}
        stray = set() if "report" in verbs else given & about_reports
        if not verbs <= {"report", "maintain", "reserve"}:
            stray |= given & {"refused"}
        if len(verbs) != 1 or stray:
            raise strict.Slip(f"{self.at}: one event has {sorted(given)}")
        return verbs.pop()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """Facts of the end.

    ``servers`` and ``moves`` are by the name in ``cloud.yaml``; for several
    servers, a mapping of a value to a number counts them, and a list has
    those that may be. ``attempts`` are the statuses of all moves of a
    server, the oldest first. ``messages`` are regular expressions, one or
    several that all have to be found. ``calls`` are exact or
    ``[least, most]``. ``within`` is how many seconds all may take,
    ``first_within`` when the first evacuation is asked for, both after the
    first report.
    """

    notifications: Mapping[str, Mapping[str, Any]]
    servers: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    moves: Mapping[str, _Values] = dataclasses.field(default_factory=dict)
    attempts: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    messages: Mapping[str, str | Sequence[str] | None] = dataclasses.field(
        default_factory=dict
    )
    hosts: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    aggregates: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    calls: Mapping[str, int | Sequence[int]] = dataclasses.field(
        default_factory=dict
    )
    order: Sequence[str] | None = None
    tasks: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    in_flight: Sequence[int] | None = None
    within: float | None = None
    first_within: float | None = None

    def check(self, cloud: CloudFile, reports: set[str]) -> None:
        """Whether it is about what there is.

        :param reports: the names of the notifications
        :raises Slip: it is not
        """
        _known("notifications", self.notifications, reports)
        if set(self.notifications) != reports:
            raise strict.Slip("some notifications are not expected at all")
        for table in (self.servers, self.moves, self.attempts, self.messages):
            _known("servers", table, cloud.servers)
        _known("hosts", self.hosts, cloud.hosts)
        _known("aggregates", self.aggregates, cloud.aggregates)
        _known("calls", self.calls, _CALLS)
        _known("tasks", self.tasks, reports)
        for facts, known in (
            (self.notifications, _NOTIFICATION_FACTS),
            (self.servers, _SERVER_FACTS),
            (self.hosts, _HOST_FACTS),
        ):
            for name, values in facts.items():
                _check_facts(name, values, known)
        for name, values in self.notifications.items():
            final = set(NotificationStatus) - UNFINISHED
            _known(name, [values.get("status")], final)
        for name, wanted in self.moves.items():
            _known(
                name, [wanted] if isinstance(wanted, str) else wanted, SETTLED
            )


def _check_facts(
    name: str, values: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    _known(name, values, known)
    if not values:
        raise strict.Slip(f"nothing is expected of {name}")
    for key, value in values.items():
        strict.convert(value, known[key], f"{name}.{key}")


def _known(where: str, found: Any, known: Any) -> None:
    unknown = set(found or ()) - set(known)
    if unknown:
        raise strict.Slip(f"{where}: {unknown} is not known")


class Scenario:
    """One folder, played on a simulation."""

    def __init__(self, folder: Path, directory: Path) -> None:
        self.readme = (folder / "README").read_text().strip()
        self.cloud, self.events, self.expected = _read(folder)
        self.simulation = Simulation(
            directory,
            RecoverySettings(**self.cloud.settings),
            **self.cloud.simulator,
        )
        self._hosts: dict[str, Host] = {}
        self._servers: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self._faults: list[Fault] = []
        self._reports: dict[str, Notification] = {}
        self._first_report: float | None = None
        self._ended_at = 0.0
        self._build()

    # -- before ------------------------------------------------------------

    def _build(self) -> None:
        methods = {"segment": self.cloud.method, **self.cloud.segments}
        known = {
            name: self.simulation.database.write(
                segments.create,
                name=name,
                recovery_method=method,
                service_type="COMPUTE",
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
        host = self.simulation.database.write(
            hosts.create,
            segment_uuid=known[fields.segment].uuid,
            name=name,
            type="COMPUTE",
            control_attributes="SSH",
            reserved=fields.reserved,
            on_maintenance=fields.on_maintenance,
        )
        self._hosts[name] = host

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
        self._servers[name] = []
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
            self._servers[name].append(record.uuid)
            self._names[record.uuid] = one
            self.simulation.invariants.locked[record.uuid] = fields.locked
            self._may_be_restored(record.uuid)

    def _may_be_restored(self, uuid: str) -> None:
        """As it is now."""
        record = self.simulation.cloud.servers[uuid]
        states = self.simulation.invariants.origins.setdefault(uuid, [])
        states.append((record.vm_state, record.power_state))

    # -- meanwhile ---------------------------------------------------------

    def play(self) -> None:
        """Let happen what is to happen, and the engines see to it.

        :raises Violation: what must never happen has happened
        """
        clock = self.simulation.clock
        self.simulation.invariants.at_commit()
        for event in self.events:
            clock.at(event.at, functools.partial(self._happen, event))
        self._start_engines(self.cloud.engines)
        last = max((event.at for event in self.events), default=0.0)
        try:
            while clock.elapsed < self.cloud.run:
                clock.pass_time(1)
                self.simulation.invariants.raise_broken()
                done = not self.simulation.invariants.unfinished
                if clock.elapsed > last and done:
                    break
        finally:
            self._ended_at = clock.elapsed
            for engine in self.simulation.engines:
                engine.alive = False
            clock.stop()

    def _start_engines(self, count: int) -> None:
        for _ in range(count):
            number = len(self.simulation.engines) + 1
            engine = self.simulation.engine(
                f"engine-{number}",
                evacuates_stopped=self.cloud.evacuates_stopped,
                in_turns=True,
            )
            self._poll(engine, first=(number - 1) * 0.1)

    def _poll(self, engine: Engine, *, first: float) -> None:
        clock = self.simulation.clock

        def poll() -> None:
            if self.simulation.invariants.claimable:
                engine.poll()
            clock.at(clock.elapsed + POLL, poll)

        clock.at(clock.elapsed + first, poll)

    def _happen(self, event: Event) -> None:
        verb = event.verb
        value = getattr(event, verb)
        self.simulation.trace.add(f"EVENT {verb} {value}")
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
            times=file.times,
            until=until,
            retry_after=file.retry_after,
            seconds=file.seconds,
        )
        if not file.needless:
            self._faults.append(fault)

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
        with self.simulation.somebody_else():
            self.simulation.cloud.compute.evacuate(self._uuid(name))

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
            self.simulation.update_host(
                self._hosts[name], on_maintenance=value
            )

    def _reserve(self, name: str) -> None:
        self.simulation.update_host(self._hosts[name], reserved=True)

    def _enable_segment(self, enabled: bool) -> None:
        segment = next(iter(self._hosts.values())).segment
        self.simulation.database.write(
            segments.update, segment.uuid, enabled=enabled
        )

    def _kill_engine(self, moment: Sequence[Any]) -> None:
        when, verb, count = moment
        assert self.simulation.kill_at is None, "one is to be killed already"
        self.simulation.kill_at = (when, verb, count)

    def _engine(self, number: int) -> Engine:
        return self.simulation.engines[number - 1]

    def _crash_engine(self, number: int) -> None:
        self._engine(number).die()

    def _stop_engine(self, number: int) -> None:
        self._engine(number).stopping.set()

    def _suspend_engine(self, given: Sequence[int]) -> None:
        number, seconds = given
        self._engine(number).suspend(seconds)

    def _database_away(self, seconds: float) -> None:
        clock = self.simulation.clock
        self.simulation.database_back_at = clock.elapsed + seconds

    def _report(self, event: Event) -> None:
        if self._first_report is None:
            self._first_report = self.simulation.clock.elapsed
        kind = NotificationType(event.report or "")
        payload = dict(event.payload or _usual(kind))
        if kind is NotificationType.VM:
            payload["instance_uuid"] = self._uuid(event.server or "")
        made = self.simulation.report(
            event.host or "", kind, payload, skew=event.skew or 0.0
        )
        self._reports[event.name or "it"] = made
        self._names[made.uuid] = event.name or "it"
        if kind is NotificationType.VM:
            states = self.simulation.invariants.origins
            states[self._uuid(event.server or "")].append(("active", 1))

    def _uuid(self, name: str) -> str:
        for uuid, known in self._names.items():
            if known == name:
                return uuid
        raise AssertionError(f"there is no server {name}")

    # -- after -------------------------------------------------------------

    def check(self) -> None:
        """Compare what is with what was expected."""
        assert self.simulation.kill_at is None, "no engine was killed"
        for fault in self._faults:
            assert fault.used, f"no call has met the {fault}"
        self.simulation.invariants.at_the_end()
        self._check_notifications()
        self._check_servers()
        self._check_moves()
        self._check_hosts()
        self._check_calls()
        self._check_times()

    def _check_notifications(self) -> None:
        assert set(self.expected.notifications) == set(self._reports)
        for name, wanted in self.expected.notifications.items():
            report = self._reports[name]
            found = self.simulation.now(report)
            assert found.status == wanted["status"], (
                f"{name} is {found.status}: {found.message}"
            )
            if "message" in wanted:
                _expect_text(name, found.message, wanted["message"])
            if "attempts" in wanted:
                attempts = self.simulation.invariants.attempts(report.uuid)
                assert attempts == wanted["attempts"]
        for name, tasks in self.expected.tasks.items():
            progress = self.simulation.progress(self._reports[name])
            found_tasks = [f"{task.name} {task.state}" for task in progress]
            assert found_tasks == list(tasks)

    def _check_servers(self) -> None:
        for name, wanted in self.expected.servers.items():
            records = [
                self.simulation.cloud.servers.get(uuid)
                for uuid in self._servers[name]
            ]
            if wanted.get("gone"):
                assert records == [None] * len(records)
                continue
            fields = {
                "host": "host",
                "state": "vm_state",
                "power": "power_state",
                "task": "task_state",
                "locked": "locked",
            }
            for key, attribute in fields.items():
                if key in wanted:
                    found = [getattr(record, attribute) for record in records]
                    _expect_all(f"{name}.{key}", found, wanted[key])
            assert "task" in wanted or all(
                record is None or record.task_state is None
                for record in records
            ), f"{name} is left with a task"

    def _check_moves(self) -> None:
        moves: dict[str, list[Any]] = collections.defaultdict(list)
        for move in self.simulation.all_moves():
            moves[move.instance_uuid].append(move)
        for name, wanted in self.expected.moves.items():
            found = [
                str(moves[uuid][-1].status) if moves[uuid] else None
                for uuid in self._servers[name]
            ]
            _expect_all(f"{name}.move", found, wanted)
        for name, attempts in self.expected.attempts.items():
            for uuid in self._servers[name]:
                assert [move.status for move in moves[uuid]] == attempts
        for name, text in self.expected.messages.items():
            for uuid in self._servers[name]:
                _expect_text(name, moves[uuid][-1].message, text)

    def _check_hosts(self) -> None:
        cloud = self.simulation.cloud
        for name, wanted in self.expected.hosts.items():
            record = cloud.hosts[name]
            ours = self.simulation.host_now(self._hosts[name])
            found = {
                "reserved": ours.reserved,
                "on_maintenance": ours.on_maintenance,
                "enabled": record.enabled,
                "reason": record.disabled_reason,
                "forced_down": record.forced_down,
                "servers": sum(
                    server.host == name for server in cloud.servers.values()
                ),
            }
            assert {key: found[key] for key in wanted} == wanted, name
        members = {a.name: a.hosts for a in cloud.aggregates.values()}
        for name, hosts_in_it in self.expected.aggregates.items():
            assert members[name] == list(hosts_in_it), name

    def _check_calls(self) -> None:
        counts = self.simulation.cloud.counts
        for verb, wanted in self.expected.calls.items():
            least, most = wanted if isinstance(wanted, list) else (wanted,) * 2
            assert least <= counts[verb] <= most, f"{verb}: {counts[verb]}"
        asked = [self._names[uuid] for uuid in self.simulation.evacuated()]
        if self.expected.order is not None:
            assert asked == list(self.expected.order)
        if self.expected.in_flight is not None:
            least, most = self.expected.in_flight
            assert least <= self.simulation.most_in_flight <= most

    def _check_times(self) -> None:
        started = self._first_report or 0.0
        if self.expected.within is not None:
            assert self._ended_at - started <= self.expected.within
        if self.expected.first_within is not None:
            first = self.simulation.cloud.migrations[0].created_at
            taken = first - self.simulation.clock.start - started
            assert taken <= self.expected.first_within

    def story(self) -> str:
        """What happened, for people."""
        return self.simulation.trace.text(self._names)


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


def _read(folder: Path) -> tuple[CloudFile, list[Event], Expectation]:
    """:raises Slip: what is in the folder does not make sense"""
    cloud, events, expected = (
        strict.read(folder / f"{name}.yaml")
        for name in ("cloud", "events", "expect")
    )
    made = strict.build(CloudFile, cloud, "cloud")
    happening = [
        strict.build(Event, event, f"event {number}")
        for number, event in enumerate(events, start=1)
    ]
    reports = []
    for event in happening:
        if event.verb == "report" and event.refused is None:
            reports.append(event.name or "it")
        if event.fault is not None:
            _known("fault", [event.fault.verb], _FAULTY)
    if len(set(reports)) < len(reports):
        raise strict.Slip("two reports have one name")
    expectation = strict.build(Expectation, expected, "expect")
    expectation.check(made, set(reports))
    return made, happening, expectation


def _expect_text(
    name: str, found: str | None, wanted: str | Sequence[str] | None
) -> None:
    if wanted is None:
        assert found is None, f"{name}: {found}"
        return
    for text in [wanted] if isinstance(wanted, str) else wanted:
        assert re.search(text, found or ""), f"{name}: no {text} in {found}"


def _expect_all(name: str, found: Sequence[Any], wanted: Any) -> None:
    """One value for all, or how many have which, or a few that may be."""
    if isinstance(wanted, Mapping):
        counted = collections.Counter(str(value) for value in found)
        assert counted == wanted, f"{name}: {dict(counted)}"
    elif isinstance(wanted, list):
        assert set(found) <= set(wanted), f"{name}: {set(found)}"
    else:
        assert set(found) == {wanted}, f"{name}: {set(found)}"
