# SPDX-License-Identifier: Apache-2.0
"""A cloud that is not there: the model, and what its operators can do.

It is deterministic: the same calls at the same times on its clock give the
same cloud. It has no threads and sleeps never; what takes time in Nova is an
event, run when the cloud is next looked at after its moment.
"""

import collections
from collections.abc import Callable, Mapping

from masakari.simulator import gate
from masakari.simulator.compute import Compute
from masakari.simulator.faults import Faults
from masakari.simulator.power import Power
from masakari.simulator.rebuilds import Rebuilds
from masakari.simulator.records import (
    RUNNING,
    SHUTDOWN,
    AggregateRecord,
    HostRecord,
    MigrationRecord,
    ServerRecord,
    Settings,
    State,
)
from masakari.simulator.timeline import Timeline


class Cloud:
    """Compute hosts, servers, and the Nova that runs them.

    :param clock: returns epoch seconds and never goes back
    :param seed: another one gives other uuids
    :param service_down_time: seconds after its last report that a service
        counts as up
    :param report_interval: seconds between two reports
    :param evacuation_seconds: the work of one rebuild at its destination
    :param max_concurrent_rebuilds: how many a destination does at once
    :param evacuates_busy: False refuses to evacuate a server that has a
        task state
    :param settings: other fields of
        :class:`~masakari.simulator.records.Settings`

    ``faults`` makes it fail, ``compute`` is Nova's API on it.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        seed: int = 0,
        service_down_time: float = 60.0,
        report_interval: float = 10.0,
        evacuation_seconds: float = 2.0,
        max_concurrent_rebuilds: int = 3,
        evacuates_busy: bool = True,
        **settings: float,
    ) -> None:
        self.settings = Settings(
            service_down_time=service_down_time,
            report_interval=report_interval,
            evacuation_seconds=evacuation_seconds,
            max_concurrent_rebuilds=max_concurrent_rebuilds,
            evacuates_busy=evacuates_busy,
            **settings,
        )
        self._state = State(self.settings, Timeline(clock), seed)
        self.faults = Faults()
        self.gate = gate.Gate(self._state, self.faults)
        self._rebuilds = Rebuilds(self._state, self.faults)
        self._power = Power(self._state)
        self.compute = Compute(
            self._state, self.gate, self._rebuilds, self._power
        )

    @property
    def now(self) -> float:
        return self._state.now

    @property
    def calls(self) -> list[gate.Call]:
        """Every call to Nova's API so far, oldest first."""
        return self.gate.calls

    @property
    def counts(self) -> collections.Counter[str]:
        """How often each verb was called."""
        return self.gate.counts

    @property
    def on_call(self) -> Callable[[gate.When, gate.Call], None] | None:
        """See :class:`masakari.simulator.gate.Gate`."""
        return self.gate.on_call

    @on_call.setter
    def on_call(
        self, hook: Callable[[gate.When, gate.Call], None] | None
    ) -> None:
        self.gate.on_call = hook

    def next_event_at(self) -> float | None:
        """Epoch seconds of the next event; None when nothing is going on.

        Services go down without an event.
        """
        with self.gate.lock:
            return self._state.timeline.next_at()

    def advance_to(self, moment: float) -> None:
        """Run the events up to ``moment`` (epoch seconds)."""
        with self.gate.lock:
            self._state.timeline.run_due(moment)

    def _settled(self) -> State:
        self._state.timeline.run_due()
        return self._state

    @property
    def hosts(self) -> Mapping[str, HostRecord]:
        with self.gate.lock:
            return dict(self._settled().hosts)

    @property
    def servers(self) -> Mapping[str, ServerRecord]:
        """By uuid."""
        with self.gate.lock:
            return dict(self._settled().servers)

    @property
    def migrations(self) -> list[MigrationRecord]:
        """Every evacuation that Nova accepted, oldest first."""
        with self.gate.lock:
            return list(self._settled().migrations)

    @property
    def at_work(self) -> set[int]:
        """The ids of the migrations that Nova is going to end."""
        with self.gate.lock:
            self._settled()
            return self._rebuilds.at_work()

    @property
    def aggregates(self) -> Mapping[int, AggregateRecord]:
        with self.gate.lock:
            return dict(self._settled().aggregates)

    def is_up(self, host: str) -> bool:
        """What Nova thinks of the host's compute service."""
        with self.gate.lock:
            state = self._settled()
            return state.is_up(state.host(host))

    def add_host(
        self,
        name: str,
        *,
        slots: int = 100,
        hypervisor: str | None = None,
        enabled: bool = True,
    ) -> HostRecord:
        """Start a compute host.

        :param slots: how many servers fit on it
        :param hypervisor: its ``hypervisor_hostname``; None means ``name``
        """
        with self.gate.lock:
            state = self._settled()
            number = state.new_number()
            record = HostRecord(
                number=number,
                name=name,
                hypervisor=hypervisor or name,
                service_id=state.new_uuid(number),
                node_id=state.new_uuid(state.new_number()),
                slots=slots,
                reporting_since=state.now,
                last_report=state.now,
                enabled=enabled,
            )
            state.hosts[name] = record
            return record

    def kill(self, host: str) -> None:
        """The host loses power; Nova notices when its reports stay away."""
        with self.gate.lock:
            record = self._settled().host(host)
            self._silence(record)
            record.alive = False
            record.frozen = record.compute_stopped = False
            self._rebuilds.abandon(record)

    def freeze(self, host: str) -> None:
        """The host lives but says and does nothing until it is thawed."""
        with self.gate.lock:
            record = self._settled().host(host)
            self._silence(record)
            record.frozen = record.alive

    def forget(self, host: str) -> None:
        """An operator deletes the compute service of a host."""
        with self.gate.lock:
            self._settled().host(host).forgotten = True

    def _silence(self, record: HostRecord) -> None:
        record.last_report = record.seen_at(
            self._state.now, self.settings.report_interval
        )

    def revive(self, host: str) -> None:
        """Start the host again: it deletes its evacuated guests.

        And those that were being deleted. What is in error stays off.
        """
        with self.gate.lock:
            record = self._settled().host(host)
            if record.alive:
                return
            record.alive = True
            self._rebuilds.complete(record)
            for uuid in self._power.boot(record):
                self.delete_server(uuid)
            self._report_again(record)

    def thaw(self, host: str) -> None:
        """Go on where :meth:`freeze` stopped it; not a restart."""
        with self.gate.lock:
            record = self._settled().host(host)
            if record.frozen:
                record.frozen = False
                self._report_again(record)

    def stop_compute(self, host: str) -> None:
        """nova-compute stops; the guests run on."""
        with self.gate.lock:
            record = self._settled().host(host)
            if record.responds:
                self._silence(record)
                record.compute_stopped = True
                self._rebuilds.abandon(record)

    def start_compute(self, host: str) -> None:
        """It starts again, and deletes guests that were evacuated."""
        with self.gate.lock:
            record = self._settled().host(host)
            if record.compute_stopped:
                record.compute_stopped = False
                self._rebuilds.complete(record)
                self._report_again(record)

    def _report_again(self, record: HostRecord) -> None:
        if not record.responds:
            return
        record.reporting_since = record.last_report = self._state.now
        self._power.resume(record)
        self._rebuilds.dispatch(record)

    def create_server(
        self,
        name: str,
        host: str,
        *,
        uuid: str | None = None,
        metadata: Mapping[str, str] | None = None,
        vm_state: str = "active",
        task_state: str | None = None,
        power_state: int | None = None,
        locked: bool = False,
        project_id: str = "",
        user_id: str = "",
    ) -> ServerRecord:
        """Put a server onto a host, at once and in any state.

        :param power_state: None means what fits ``vm_state``
        """
        with self.gate.lock:
            state = self._settled()
            home = state.host(host)
            record = self._new_server(name, uuid)
            record.host, record.hypervisor = home.name, home.hypervisor
            record.metadata = dict(metadata or {})
            record.vm_state, record.task_state = vm_state, task_state
            record.locked = locked
            record.project_id, record.user_id = project_id, user_id
            usual = SHUTDOWN if vm_state == "stopped" else RUNNING
            record.power_state = usual if power_state is None else power_state
            home.guests.add(record.uuid)
            return record

    def _new_server(self, name: str, uuid: str | None) -> ServerRecord:
        state = self._state
        number = state.new_number()
        record = ServerRecord(
            number=number,
            uuid=uuid or state.new_uuid(number),
            name=name,
            host=None,
            hypervisor=None,
            created_at=state.now,
            updated_at=state.now,
        )
        state.servers[record.uuid] = record
        return record

    def build_server(
        self,
        name: str,
        host: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        project_id: str = "",
        user_id: str = "",
    ) -> ServerRecord:
        """Have Nova schedule and build a server; it takes its time.

        :param host: where; None lets the scheduler choose
        """
        with self.gate.lock:
            self._settled()
            record = self._new_server(name, None)
            record.metadata = dict(metadata or {})
            record.project_id, record.user_id = project_id, user_id
            self._power.build(record, host)
            return record

    def delete_server(self, uuid: str) -> None:
        """:raises CloudError: 404"""
        with self.gate.lock:
            state = self._settled()
            del state.servers[state.server(uuid).uuid]
            for host in state.hosts.values():
                host.guests.discard(uuid)

    def create_aggregate(
        self, name: str, hosts: tuple[str, ...] = ()
    ) -> AggregateRecord:
        with self.gate.lock:
            state = self._settled()
            number = len(state.aggregates) + 1
            record = AggregateRecord(
                id=number,
                uuid=state.new_uuid(state.new_number()),
                name=name,
                created_at=state.now,
                hosts=[state.host(host).name for host in hosts],
            )
            state.aggregates[number] = record
            return record
