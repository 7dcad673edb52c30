# SPDX-License-Identifier: Apache-2.0
"""How the simulated Nova stops, starts, builds and resets servers."""

import functools
from collections.abc import Callable

from masakari.simulator import scheduler
from masakari.simulator.rebuilds import refuse_state
from masakari.simulator.records import (
    DELETING,
    POWERING_OFF,
    POWERING_ON,
    REBOOTING,
    RUNNING,
    SHUTDOWN,
    SOFT_DELETING,
    HostRecord,
    ServerRecord,
    State,
)


class Power:
    """Servers on the hosts where they are."""

    def __init__(self, state: State) -> None:
        self._state = state

    def stop(self, uuid: str) -> None:
        """:raises CloudError: 404, 409"""
        server = self._ready(uuid, "stop", ("active", "error"))
        server.task_state = POWERING_OFF
        self._state.touch(server)
        self._work_on(server, self._stopped, self._state.settings.stop_seconds)

    def start(self, uuid: str) -> None:
        """:raises CloudError: 404, 409"""
        server = self._ready(uuid, "start", ("stopped",))
        server.task_state = POWERING_ON
        self._state.touch(server)
        seconds = self._state.settings.start_seconds
        self._work_on(server, self._started, seconds)

    def reboot(self, uuid: str) -> None:
        """A hard one, whatever state the guest is in.

        :raises CloudError: 404, 409
        """
        server = self._ready(
            uuid,
            "reboot",
            ("active", "stopped", "paused", "suspended", "error"),
        )
        server.task_state = REBOOTING
        self._state.touch(server)
        seconds = self._state.settings.start_seconds
        self._work_on(server, self._rebooted, seconds)

    def _ready(
        self, uuid: str, verb: str, allowed: tuple[str, ...]
    ) -> ServerRecord:
        server = self._state.server(uuid)
        if server.vm_state not in allowed:
            refuse_state(server, verb, "vm_state")
        if server.task_state is not None:
            refuse_state(server, verb, "task_state")
        return server

    def _work_on(
        self,
        server: ServerRecord,
        step: Callable[[ServerRecord, str | None], None],
        seconds: float,
    ) -> None:
        action = functools.partial(step, server, server.host)
        self._state.timeline.after(seconds, action)

    def _can_go_on(
        self, server: ServerRecord, host: str | None, task_state: str
    ) -> bool:
        """Whether the host is still there, and the server still its."""
        record = self._state.hosts.get(host or "")
        return (
            record is not None
            and record.responds
            and server.host == host
            and server.task_state == task_state
        )

    def _stopped(self, server: ServerRecord, host: str | None) -> None:
        if self._can_go_on(server, host, POWERING_OFF):
            self._settle(server, "stopped", SHUTDOWN)

    def _started(self, server: ServerRecord, host: str | None) -> None:
        if self._can_go_on(server, host, POWERING_ON):
            self._settle(server, "active", RUNNING)

    def _rebooted(self, server: ServerRecord, host: str | None) -> None:
        if self._can_go_on(server, host, REBOOTING):
            self._state.hosts[host or ""].guests.add(server.uuid)
            self._settle(server, "active", RUNNING)

    def _settle(
        self, server: ServerRecord, vm_state: str, power_state: int
    ) -> None:
        server.vm_state = vm_state
        server.power_state = power_state
        server.task_state = None
        server.fault = None
        self._state.touch(server)

    def boot(self, host: HostRecord) -> list[str]:
        """The host starts: what it has runs again, except what is in error.

        :returns: those whose deletion is to go on
        """
        deleted = []
        for server in self._state.servers_of(host.name):
            if server.task_state in (DELETING, SOFT_DELETING):
                deleted.append(server.uuid)
            elif server.vm_state == "error":
                server.power_state = SHUTDOWN
        return deleted

    def resume(self, host: HostRecord) -> None:
        """A host that answers again finishes what it was asked for."""
        steps = {
            POWERING_OFF: self._stopped,
            POWERING_ON: self._started,
            REBOOTING: self._rebooted,
        }
        for server in self._state.servers_of(host.name):
            if server.task_state in steps:
                seconds = self._state.settings.stop_seconds
                self._work_on(server, steps[server.task_state], seconds)

    def reset_state(self, uuid: str, state: str) -> None:
        """:raises CloudError: 404"""
        server = self._state.server(uuid)
        server.vm_state = state
        server.task_state = None
        self._state.touch(server)

    def build(self, server: ServerRecord, host: str | None) -> None:
        """Schedule a new server; it ends active, or in error."""
        server.vm_state = "building"
        server.task_state = "scheduling"
        chosen = scheduler.choose(self._state, source=None, target=host)
        if chosen is None:
            self._state.fail_server(server, "No valid host was found.")
            return
        server.host = chosen.name
        server.hypervisor = chosen.hypervisor
        server.task_state = "spawning"
        seconds = self._state.settings.build_seconds
        self._work_on(server, self._built, seconds)

    def _built(self, server: ServerRecord, host: str | None) -> None:
        if self._can_go_on(server, host, "spawning"):
            self._state.hosts[host or ""].guests.add(server.uuid)
            self._settle(server, "active", RUNNING)
