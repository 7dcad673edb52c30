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

Unknown keys are errors, so that a slip of the pen cannot make an expectation
vanish.
"""

import collections
import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from masakari import exception
from masakari.db import hosts, segments
from masakari.domain.model import Host, Notification, NotificationType
from masakari.domain.server import SHUTDOWN
from masakari.domain.settings import RecoverySettings
from tests.simulation import invariants
from tests.simulation.harness import STOPPED, Engine, Simulation

#: An engine works on so many notifications at once; here they nest.
NESTED = 8

#: Seconds between two looks of an engine for work.
POLL = 2.0


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

    hosts: Mapping[str, Mapping[str, Any]]
    method: str = "auto"
    enabled: bool = True
    segments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    servers: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    aggregates: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    simulator: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    engines: int = 1
    evacuates_stopped: bool = True
    run: float = 1200


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """What happens ``at`` a second: one of the verbs below, on ``host``,
    ``server`` or ``engine``.

    ``report`` is the type of a notification, which is called ``name`` from
    then on; ``refused`` is the error that the API answers it with.
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
    refused: str | None = None
    fault: Mapping[str, Any] | None = None
    delete: str | None = None
    halt: str | None = None
    evacuate: str | None = None
    resize: Mapping[str, int] | None = None
    disable: Mapping[str, str] | None = None
    maintain: Mapping[str, bool] | None = None
    reserve: str | None = None
    enable_segment: bool | None = None
    kill_engine: Sequence[Any] | None = None
    stop_engine: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """Facts of the end.

    ``servers`` and ``moves`` are by the name in ``cloud.yaml``; for several
    servers, a mapping of a value to a number counts them. ``calls`` are
    exact or ``[least, most]``. ``within`` is how many seconds all may take,
    ``first_within`` when the first evacuation is asked for, both after the
    first report.
    """

    notifications: Mapping[str, Mapping[str, Any]]
    servers: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    moves: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    messages: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hosts: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    aggregates: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    calls: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    order: Sequence[str] | None = None
    tasks: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    in_flight: Sequence[int] | None = None
    within: float | None = None
    first_within: float | None = None


class Scenario:
    """One folder, played on a simulation."""

    def __init__(self, folder: Path, directory: Path) -> None:
        self.readme = (folder / "README").read_text().strip()
        self.cloud = CloudFile(**_read(folder / "cloud.yaml"))
        self.events = [
            Event(**event) for event in _read(folder / "events.yaml")
        ]
        self.expected = Expectation(**_read(folder / "expect.yaml"))
        self.simulation = Simulation(
            directory,
            RecoverySettings(**self.cloud.settings),
            **self.cloud.simulator,
        )
        self._hosts: dict[str, Host] = {}
        self._servers: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
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
            self._build_host(name, HostFile(**(fields or {})), known)
        for name, hosts_in_it in self.cloud.aggregates.items():
            self.simulation.cloud.create_aggregate(name, tuple(hosts_in_it))
        for name, fields in self.cloud.servers.items():
            self._build_servers(name, ServerFile(**fields))

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
        if fields.reserved:
            self.simulation.reserves_before.append((host, record.enabled))

    def _build_servers(self, name: str, fields: ServerFile) -> None:
        names = [name]
        if fields.count is not None:
            names = [f"{name}-{number}" for number in range(fields.count)]
        self._servers[name] = []
        for one in names:
            uuid = self.simulation.cloud.create_server(
                one,
                fields.host,
                metadata=fields.metadata,
                vm_state=fields.state,
                task_state=fields.task,
                power_state=fields.power,
                locked=fields.locked,
            ).uuid
            self._servers[name].append(uuid)
            self._names[uuid] = one
            self.simulation.locked_before[uuid] = fields.locked

    # -- meanwhile ---------------------------------------------------------

    def play(self) -> None:
        """Let happen what is to happen, and the engines see to it."""
        clock = self.simulation.clock
        engines = [
            self.simulation.engine(
                f"engine-{number}",
                evacuates_stopped=self.cloud.evacuates_stopped,
            )
            for number in range(1, self.cloud.engines + 1)
        ]
        for event in self.events:
            clock.at(
                event.at, lambda event=event: self._happen(event, engines)
            )
        for number, engine in enumerate(engines):
            self._poll(engine, first=number * 0.1)
        last = max((event.at for event in self.events), default=0.0)
        while clock.elapsed < self.cloud.run:
            clock.pass_time(1)
            if clock.elapsed > last and not self.simulation.unfinished():
                break
        self._ended_at = clock.elapsed

    def _poll(self, engine: Engine, *, first: float) -> None:
        clock = self.simulation.clock

        def poll() -> None:
            if len(self.simulation.acting) < NESTED:
                engine.poll()

        clock.at(first, lambda: (poll(), clock.every(POLL, poll))[1])

    def _happen(self, event: Event, engines: Sequence[Engine]) -> None:
        """Every field of an event that is set is something that happens."""
        if event.report is not None:
            self._report(event)
        if event.kill_engine is not None:
            when, verb, count = event.kill_engine
            self.simulation.kill_at = (when, verb, count)
        if event.stop_engine is not None:
            engines[event.stop_engine - 1].stopping.set()
        for name, action in self._actions().items():
            value = getattr(event, name)
            if value is not None:
                action(value)

    def _actions(self) -> Mapping[str, Callable[[Any], object]]:
        cloud = self.simulation.cloud
        return {
            "kill": cloud.kill,
            "revive": cloud.revive,
            "freeze": cloud.freeze,
            "thaw": cloud.thaw,
            "delete": lambda name: cloud.delete_server(self._uuid(name)),
            "halt": self._halt,
            "fault": self._fail,
            "resize": self._resize,
            "disable": self._disable,
            "evacuate": self._evacuate,
            "maintain": self._maintain,
            "reserve": self._reserve,
            "enable_segment": self._enable_segment,
        }

    def _halt(self, name: str) -> None:
        """The guest stops by itself."""
        guest = self.simulation.cloud.servers[self._uuid(name)]
        guest.vm_state, guest.power_state = "stopped", SHUTDOWN

    def _resize(self, slots: Mapping[str, int]) -> None:
        for name, number in slots.items():
            self.simulation.cloud.hosts[name].slots = number

    def _disable(self, reasons: Mapping[str, str]) -> None:
        """An operator disables compute services."""
        for name, reason in reasons.items():
            record = self.simulation.cloud.hosts[name]
            record.enabled, record.disabled_reason = False, reason

    def _evacuate(self, name: str) -> None:
        """An operator evacuates an instance himself."""
        cloud = self.simulation.cloud
        watching, cloud.on_call = cloud.on_call, None
        cloud.compute.evacuate(self._uuid(name))
        cloud.on_call = watching

    def _maintain(self, values: Mapping[str, bool]) -> None:
        """An operator sets or lifts maintenance."""
        for name, value in values.items():
            self.simulation.update_host(
                self._hosts[name], on_maintenance=value
            )

    def _reserve(self, name: str) -> None:
        """An operator makes it a reserved host."""
        self.simulation.update_host(self._hosts[name], reserved=True)

    def _enable_segment(self, value: bool) -> None:
        segment = next(iter(self._hosts.values())).segment
        self.simulation.database.write(
            segments.update, segment.uuid, enabled=value
        )

    def _fail(self, rule: Mapping[str, Any]) -> None:
        fields = dict(rule)
        if "server" in fields:
            fields["server"] = self._uuid(fields["server"])
        if "lasts" in fields:
            now = self.simulation.clock.epoch()
            fields["until"] = now + fields.pop("lasts")
        self.simulation.cloud.faults.add(
            fields.pop("verb"), fields.pop("outcome"), **fields
        )

    def _report(self, event: Event) -> None:
        if self._first_report is None:
            self._first_report = self.simulation.clock.elapsed
        kind = NotificationType(event.report or "")
        payload = dict(event.payload or _usual(kind))
        if kind is NotificationType.VM:
            payload["instance_uuid"] = self._uuid(event.server or "")
        try:
            made = self.simulation.report(event.host or "", kind, payload)
        except exception.MasakariException as error:
            assert type(error).__name__ == event.refused, error
            return
        assert event.refused is None, f"not refused as {event.refused}"
        self._reports[event.name or "it"] = made

    def _uuid(self, name: str) -> str:
        for uuid, known in self._names.items():
            if known == name:
                return uuid
        raise AssertionError(f"there is no server {name}")

    # -- after -------------------------------------------------------------

    def check(self) -> None:
        """Compare what is with what was expected."""
        invariants.at_the_end(self.simulation)
        self._check_notifications()
        self._check_servers()
        self._check_moves()
        self._check_hosts()
        self._check_calls()
        self._check_times()

    def _check_notifications(self) -> None:
        assert set(self.expected.notifications) == set(self._reports)
        for name, wanted in self.expected.notifications.items():
            found = self.simulation.now(self._reports[name])
            _expect(name, wanted, {"status", "message"})
            assert found.status == wanted["status"], (
                f"{name} is {found.status}: {found.message}"
            )
            if "message" in wanted:
                _expect_text(name, found.message, wanted["message"])
        for name, tasks in self.expected.tasks.items():
            progress = self.simulation.progress(self._reports[name])
            found_tasks = [f"{task.name} {task.state}" for task in progress]
            assert found_tasks == list(tasks)

    def _check_servers(self) -> None:
        for name, wanted in self.expected.servers.items():
            _expect(name, wanted, {"host", "state", "power", "task", "gone"})
            records = [
                self.simulation.cloud.servers.get(uuid)
                for uuid in self._servers_of(name)
            ]
            if wanted.get("gone"):
                assert records == [None] * len(records)
                continue
            fields = {
                "host": "host",
                "state": "vm_state",
                "power": "power_state",
                "task": "task_state",
            }
            for key, attribute in fields.items():
                if key in wanted:
                    found = [getattr(record, attribute) for record in records]
                    _expect_all(f"{name}.{key}", found, wanted[key])
            assert all(
                record is None or record.task_state is None or "task" in wanted
                for record in records
            ), f"{name} is left with a task"

    def _servers_of(self, name: str) -> list[str]:
        return self._servers.get(name) or [self._uuid(name)]

    def _check_moves(self) -> None:
        latest = {
            move.instance_uuid: move for move in self.simulation.all_moves()
        }
        for name, wanted in self.expected.moves.items():
            found = [
                latest[uuid].status if uuid in latest else None
                for uuid in self._servers_of(name)
            ]
            _expect_all(f"{name}.move", found, wanted)
        for name, text in self.expected.messages.items():
            for uuid in self._servers_of(name):
                _expect_text(name, latest[uuid].message, text)

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
            _expect(name, wanted, set(found))
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
        start = self.simulation.clock.start
        lines = [
            f"{call.at - start:8.2f} {call.verb} "
            f"{self._names.get(call.subject, call.subject)} {call.detail}"
            for call in self.simulation.cloud.calls
        ]
        lines += [
            f"{name}: {self.simulation.now(report).status} "
            f"{self.simulation.now(report).message}"
            for name, report in self._reports.items()
        ]
        lines += [
            f"{move.instance_name} {move.status} {move.dest_host} "
            f"{move.message}"
            for move in self.simulation.all_moves()
        ]
        return "\n".join(lines)


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


def _read(path: Path) -> Any:
    content = yaml.safe_load(path.read_text())
    assert content, f"{path} is empty"
    return content


def _expect(name: str, wanted: Mapping[str, Any], known: set[str]) -> None:
    assert set(wanted) <= known, f"{name}: {set(wanted) - known} is unknown"


def _expect_text(name: str, found: str | None, wanted: str | None) -> None:
    if wanted is None:
        assert found is None, f"{name}: {found}"
    else:
        assert re.search(wanted, found or ""), f"{name}: {found}"


def _expect_all(name: str, found: Sequence[Any], wanted: Any) -> None:
    """One value for all, or how many have which, or a few that may be."""
    if isinstance(wanted, Mapping):
        counted = collections.Counter(str(value) for value in found)
        assert counted == wanted, f"{name}: {dict(counted)}"
    elif isinstance(wanted, list):
        assert set(found) <= set(wanted), f"{name}: {set(found)}"
    else:
        assert set(found) == {wanted}, f"{name}: {set(found)}"
