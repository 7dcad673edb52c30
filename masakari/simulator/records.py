# SPDX-License-Identifier: Apache-2.0
"""What the simulated cloud remembers: plain records, no behaviour of Nova.

Times are epoch seconds on the cloud's clock.
"""

import dataclasses
import math
import uuid
from collections.abc import Iterator

from masakari import exception
from masakari.simulator.timeline import Timeline

#: ``power_state`` values of nova.compute.power_state.
RUNNING = 1
SHUTDOWN = 4

REBUILDING = "rebuilding"
SPAWNING = "rebuild_spawning"
POWERING_OFF = "powering-off"
POWERING_ON = "powering-on"
DELETING = "deleting"
SOFT_DELETING = "soft-deleting"
REBOOTING = "rebooting_hard"


class CloudError(exception.MasakariException):
    """The cloud's answer is an error.

    :param code: the HTTP status
    :param retry_after: seconds to wait, for 429 and 503
    """

    def __init__(
        self, code: int, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the cloud behaves; durations in seconds.

    ``evacuation_seconds`` is the work of one rebuild at its destination,
    ``finishing_seconds`` the moment between the guest's start there and the
    server's ``host`` changing, ``rpc_timeout`` what Nova's API waits for a
    compute host that does not answer. With ``evacuates_busy`` a server is
    evacuated whatever its task state is, even in the midst of another
    evacuation, as Nova does since Zed (and in fixed older releases).
    """

    service_down_time: float = 60.0
    report_interval: float = 10.0
    evacuation_seconds: float = 2.0
    max_concurrent_rebuilds: int = 3
    scheduling_seconds: float = 0.1
    finishing_seconds: float = 0.05
    stop_seconds: float = 1.0
    start_seconds: float = 1.0
    build_seconds: float = 0.5
    rpc_timeout: float = 60.0
    latency: float = 0.0
    evacuates_busy: bool = True


@dataclasses.dataclass(slots=True, kw_only=True)
class HostRecord:
    """A compute host with its nova-compute service and its hypervisor.

    ``guests`` are the servers its hypervisor has, wherever Nova thinks they
    are; ``claims`` the servers on their way to it. ``compute_stopped`` means
    its nova-compute alone. One that is ``forgotten`` has no service in Nova
    any more.
    """

    number: int
    name: str
    hypervisor: str
    service_id: str
    node_id: str
    slots: int
    reporting_since: float
    last_report: float
    enabled: bool = True
    disabled_reason: str | None = None
    forced_down: bool = False
    alive: bool = True
    frozen: bool = False
    compute_stopped: bool = False
    forgotten: bool = False
    updated_at: float | None = None
    guests: set[str] = dataclasses.field(default_factory=set)
    claims: set[str] = dataclasses.field(default_factory=set)

    @property
    def responds(self) -> bool:
        return self.alive and not (self.frozen or self.compute_stopped)

    def seen_at(self, now: float, interval: float) -> float:
        """When the service reported last."""
        if not self.responds:
            return self.last_report
        reports = math.floor((now - self.reporting_since) / interval)
        return self.reporting_since + reports * interval


@dataclasses.dataclass(slots=True, kw_only=True)
class ServerRecord:
    """A server; ``host`` is None until it was scheduled."""

    number: int
    uuid: str
    name: str
    host: str | None
    hypervisor: str | None
    created_at: float
    updated_at: float
    vm_state: str = "active"
    task_state: str | None = None
    power_state: int = RUNNING
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    locked: bool = False
    project_id: str = ""
    user_id: str = ""
    fault: str | None = None
    fault_at: float | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class MigrationRecord:
    """One evacuation; ``updated_at`` is None until its first change."""

    id: int
    uuid: str
    instance_uuid: str
    source_host: str
    source_node: str
    dest_host: str | None
    dest_node: str | None = None
    status: str = "accepted"
    created_at: float
    updated_at: float | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class AggregateRecord:
    id: int
    uuid: str
    name: str
    created_at: float
    hosts: list[str] = dataclasses.field(default_factory=list)
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class State:
    """Everything in the cloud, in the order it came."""

    settings: Settings
    timeline: Timeline
    seed: int = 0
    hosts: dict[str, HostRecord] = dataclasses.field(default_factory=dict)
    servers: dict[str, ServerRecord] = dataclasses.field(default_factory=dict)
    migrations: list[MigrationRecord] = dataclasses.field(default_factory=list)
    aggregates: dict[int, AggregateRecord] = dataclasses.field(
        default_factory=dict
    )
    made: int = 0

    @property
    def now(self) -> float:
        return self.timeline.now

    def new_number(self) -> int:
        self.made += 1
        return self.made

    def new_uuid(self, number: int) -> str:
        """The same one for the same seed and number, always."""
        name = f"masakari-simulator/{self.seed}/{number}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    def is_up(self, host: HostRecord) -> bool:
        """What Nova thinks of the service."""
        if host.forced_down:
            return False
        seen = host.seen_at(self.now, self.settings.report_interval)
        return self.now - seen <= self.settings.service_down_time

    def servers_of(self, host: str) -> Iterator[ServerRecord]:
        return (s for s in self.servers.values() if s.host == host)

    def host(self, name: str) -> HostRecord:
        """:raises CloudError: 404"""
        if name not in self.hosts:
            raise CloudError(404, f"Compute host {name} could not be found.")
        return self.hosts[name]

    def server(self, server_uuid: str) -> ServerRecord:
        """:raises CloudError: 404"""
        if server_uuid not in self.servers:
            raise CloudError(
                404, f"Instance {server_uuid} could not be found."
            )
        return self.servers[server_uuid]

    def touch(self, record: ServerRecord | MigrationRecord) -> None:
        record.updated_at = self.now

    def fail_server(self, server: ServerRecord, reason: str) -> None:
        server.vm_state = "error"
        server.task_state = None
        server.fault = reason
        server.fault_at = self.now
        self.touch(server)
