# SPDX-License-Identifier: Apache-2.0
"""What the simulated Nova's API does; both faces of the simulator use it.

The verbs are those of :class:`masakari.nova.port.ComputePort`. Every method
raises :class:`~masakari.simulator.records.CloudError` or
:class:`~masakari.simulator.gate.NoAnswer`.
"""

import copy
from collections.abc import Iterable

from masakari.simulator.faults import Fault
from masakari.simulator.gate import Answer, Gate
from masakari.simulator.power import Power
from masakari.simulator.rebuilds import Rebuilds
from masakari.simulator.records import (
    AggregateRecord,
    CloudError,
    HostRecord,
    MigrationRecord,
    ServerRecord,
    State,
)


def _snapshot(records: Iterable[ServerRecord]) -> list[ServerRecord]:
    """Copies, newest first, that no other thread changes."""
    return [copy.copy(record) for record in records][::-1]


class Compute:
    """Nova's API, without HTTP."""

    def __init__(
        self, state: State, gate: Gate, rebuilds: Rebuilds, power: Power
    ) -> None:
        self._state = state
        self._gate = gate
        self._rebuilds = rebuilds
        self._power = power

    def services(self, host: str | None = None) -> Answer[list[HostRecord]]:
        """The ``nova-compute`` services, of all hosts or of one."""
        verb = "compute_services" if host is None else "compute_service"
        return self._gate.read(
            verb,
            lambda: [
                copy.copy(record)
                for record in self._state.hosts.values()
                if host in (None, record.name) and not record.forgotten
            ],
            host=host,
        )

    def _service(self, service_id: str) -> HostRecord:
        for host in self._state.hosts.values():
            if host.service_id == service_id:
                return host
        raise CloudError(404, f"Service {service_id} could not be found.")

    def _name(self, service_id: str) -> str | None:
        for host in self._state.hosts.values():
            if host.service_id == service_id:
                return host.name
        return None

    def enable_service(self, service_id: str) -> Answer[None]:
        return self._gate.write(
            "enable_service",
            lambda _: self._switch(service_id, True, None),
            host=self._name(service_id),
        )

    def disable_service(
        self, service_id: str, reason: str | None
    ) -> Answer[None]:
        return self._gate.write(
            "disable_service",
            lambda _: self._switch(service_id, False, reason),
            host=self._name(service_id),
            detail=reason or "",
        )

    def _switch(
        self, service_id: str, enabled: bool, reason: str | None
    ) -> float:
        host = self._service(service_id)
        changed = host.enabled != enabled
        host.enabled = enabled
        host.disabled_reason = reason
        host.updated_at = self._state.now
        asks = changed and self._state.is_up(host) and not host.responds
        return self._state.settings.rpc_timeout if asks else 0.0

    def force_down(self, service_id: str, forced_down: bool) -> Answer[None]:
        return self._gate.write(
            "force_down",
            lambda _: self._force(service_id, forced_down),
            host=self._name(service_id),
            detail=str(forced_down),
        )

    def _force(self, service_id: str, forced_down: bool) -> None:
        host = self._service(service_id)
        if not forced_down and any(
            m.source_host == host.name and m.status == "done"
            for m in self._state.migrations
        ):
            raise CloudError(
                400,
                f"Unable to force up host {host.name} as `done` evacuation "
                "migration records remain associated with the host.",
            )
        host.forced_down = forced_down
        host.updated_at = self._state.now

    def servers_on(self, host: str) -> Answer[list[ServerRecord]]:
        """Newest first, as Nova lists them."""
        return self._gate.read(
            "servers_on",
            lambda: _snapshot(self._state.servers_of(host)),
            host=host,
        )

    def servers(self) -> Answer[list[ServerRecord]]:
        return self._gate.read(
            "servers", lambda: _snapshot(self._state.servers.values())
        )

    def server(self, uuid: str) -> Answer[ServerRecord]:
        return self._gate.read(
            "server", lambda: copy.copy(self._state.server(uuid)), server=uuid
        )

    def evacuate(
        self, uuid: str, *, target: str | None = None, stopped: bool = False
    ) -> Answer[None]:
        def accept(fate: Fault | None) -> None:
            self._rebuilds.accept(uuid, target, stopped, fate)

        return self._gate.write(
            "evacuate",
            accept,
            server=uuid,
            detail=f"target={target} stopped={stopped}",
            loses=True,
        )

    def evacuations(
        self, source_host: str | None, since: float | None = None
    ) -> Answer[list[MigrationRecord]]:
        """Newest first; a record never changed has no time of change, and
        so is left out where ``since`` is given, as in Nova.
        """
        return self._gate.read(
            "evacuations",
            lambda: [
                copy.copy(m)
                for m in reversed(self._state.migrations)
                if source_host in (None, m.source_host)
                and (since is None or (m.updated_at or 0.0) >= since)
            ],
            host=source_host,
        )

    def stop(self, uuid: str) -> Answer[None]:
        return self._gate.write(
            "stop", lambda _: self._power.stop(uuid), server=uuid
        )

    def start(self, uuid: str) -> Answer[None]:
        return self._gate.write(
            "start", lambda _: self._power.start(uuid), server=uuid
        )

    def reboot(self, uuid: str) -> Answer[None]:
        """A hard one."""
        return self._gate.write(
            "reboot", lambda _: self._power.reboot(uuid), server=uuid
        )

    def reset_state(self, uuid: str, state: str) -> Answer[None]:
        return self._gate.write(
            "reset_state",
            lambda _: self._power.reset_state(uuid, state),
            server=uuid,
            detail=state,
        )

    def lock(self, uuid: str) -> Answer[None]:
        return self._gate.write(
            "lock", lambda _: self._lock(uuid, True), server=uuid
        )

    def unlock(self, uuid: str) -> Answer[None]:
        return self._gate.write(
            "unlock", lambda _: self._lock(uuid, False), server=uuid
        )

    def _lock(self, uuid: str, locked: bool) -> None:
        server = self._state.server(uuid)
        server.locked = locked
        self._state.touch(server)

    def aggregates(self) -> Answer[list[AggregateRecord]]:
        return self._gate.read(
            "aggregates",
            lambda: copy.deepcopy(list(self._state.aggregates.values())),
        )

    def add_host_to_aggregate(
        self, aggregate_id: int, host: str
    ) -> Answer[None]:
        return self._gate.write(
            "add_host_to_aggregate",
            lambda _: self._add_host(aggregate_id, host),
            host=host,
            detail=str(aggregate_id),
        )

    def remove_host_from_aggregate(
        self, aggregate_id: int, host: str
    ) -> Answer[None]:
        return self._gate.write(
            "remove_host_from_aggregate",
            lambda _: self._remove_host(aggregate_id, host),
            host=host,
            detail=str(aggregate_id),
        )

    def _members(self, aggregate_id: int) -> list[str]:
        if aggregate_id not in self._state.aggregates:
            raise CloudError(
                404, f"Aggregate {aggregate_id} could not be found."
            )
        return self._state.aggregates[aggregate_id].hosts

    def _remove_host(self, aggregate_id: int, host: str) -> None:
        hosts = self._members(aggregate_id)
        if host not in hosts:
            raise CloudError(
                404, f"Aggregate {aggregate_id} has no host {host}."
            )
        hosts.remove(host)

    def _add_host(self, aggregate_id: int, host: str) -> None:
        hosts = self._members(aggregate_id)
        self._state.host(host)
        if host in hosts:
            raise CloudError(
                409, f"Aggregate {aggregate_id} already has host {host}."
            )
        hosts.append(host)
