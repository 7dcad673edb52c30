# SPDX-License-Identifier: Apache-2.0
"""How the simulated Nova evacuates: schedule, claim, spawn, hand over.

As in Nova the server runs at its destination a moment before its ``host``
changes and its migration record is ``done``.
"""

import dataclasses
import functools
from collections.abc import Callable

from masakari.simulator import scheduler
from masakari.simulator.faults import Fault, Faults, Kind
from masakari.simulator.records import (
    POWERING_OFF,
    REBUILDING,
    RUNNING,
    SHUTDOWN,
    SPAWNING,
    CloudError,
    HostRecord,
    MigrationRecord,
    ServerRecord,
    State,
)

_ALLOWED = ("active", "stopped", "error")
_NO_VALID_HOST = (
    "No valid host was found. There are not enough hosts available."
)


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class _Rebuild:
    server: ServerRecord
    migration: MigrationRecord
    stopped: bool
    target: str | None
    fate: Fault | None


def refuse_state(server: ServerRecord, verb: str, attribute: str) -> None:
    """:raises CloudError: 409, in Nova's words"""
    state = getattr(server, attribute)
    raise CloudError(
        409,
        f"Cannot '{verb}' instance {server.uuid} while it is in "
        f"{attribute} {state}",
    )


def _outcome(fault: Fault | None) -> int | Kind | None:
    return None if fault is None else fault.outcome


class Rebuilds:
    """The evacuations of a cloud."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self._scheduling: list[_Rebuild] = []
        self._sent: dict[str, list[_Rebuild]] = {}
        self._waiting: dict[str, list[_Rebuild]] = {}
        self._running: dict[str, list[_Rebuild]] = {}

    def at_work(self) -> set[int]:
        """The migrations that Nova will bring to an end, as things are.

        What was sent to a dead host is not among them unless it comes back.
        """
        found = list(self._scheduling)
        for host in self._state.hosts.values():
            if host.alive and not host.compute_stopped:
                for part in (self._sent, self._waiting, self._running):
                    found += part.get(host.name, [])
        return {rebuild.migration.id for rebuild in found}

    def accept(
        self,
        uuid: str,
        target: str | None,
        stopped: bool,
        fate: Fault | None = None,
    ) -> None:
        """Nova's API part of an evacuation.

        :raises CloudError: 400, 404, 409
        """
        server = self._state.server(uuid)
        source = self._check(server, target)
        server.task_state = REBUILDING
        self._state.touch(server)
        rebuild = _Rebuild(
            server=server,
            migration=self._record(server, source, target),
            stopped=stopped,
            target=target,
            fate=fate,
        )
        if _outcome(fate) != Kind.LOST:
            self._scheduling.append(rebuild)
            self._after(
                self._state.settings.scheduling_seconds,
                self._schedule,
                rebuild,
            )

    def _check(self, server: ServerRecord, target: str | None) -> HostRecord:
        if target is not None and target not in self._state.hosts:
            raise CloudError(404, f"Compute host {target} not found.")
        if server.host == target:
            raise CloudError(400, "The target host can't be the same one.")
        if server.vm_state not in _ALLOWED:
            refuse_state(server, "evacuate", "vm_state")
        busy = server.task_state is not None
        if busy and not self._state.settings.evacuates_busy:
            refuse_state(server, "evacuate", "task_state")
        source = self._state.host(server.host or "")
        if self._state.is_up(source):
            raise CloudError(
                400, f"Compute service of {source.name} is still in use."
            )
        return source

    def _record(
        self, server: ServerRecord, source: HostRecord, target: str | None
    ) -> MigrationRecord:
        number = len(self._state.migrations) + 1
        migration = MigrationRecord(
            id=number,
            uuid=self._state.new_uuid(self._state.new_number()),
            instance_uuid=server.uuid,
            source_host=source.name,
            source_node=source.hypervisor,
            dest_host=target,
            created_at=self._state.now,
        )
        self._state.migrations.append(migration)
        return migration

    def _after(
        self,
        seconds: float,
        step: Callable[[_Rebuild], None],
        rebuild: _Rebuild,
    ) -> None:
        self._state.timeline.after(seconds, functools.partial(step, rebuild))

    def _gone(self, rebuild: _Rebuild) -> bool:
        """The server was deleted meanwhile, which ends its evacuation."""
        if rebuild.server.uuid in self._state.servers:
            return False
        self._set_status(rebuild, "failed")
        return True

    def _set_status(self, rebuild: _Rebuild, status: str) -> None:
        rebuild.migration.status = status
        self._state.touch(rebuild.migration)

    def _schedule(self, rebuild: _Rebuild) -> None:
        self._scheduling.remove(rebuild)
        rebuild.migration = self._oldest_accepted(rebuild)
        if self._gone(rebuild):
            return
        host = scheduler.choose(
            self._state,
            source=rebuild.migration.source_host,
            target=rebuild.target,
        )
        if host is None:
            self._set_status(rebuild, "error")
            self._state.fail_server(rebuild.server, _NO_VALID_HOST)
            return
        host.claims.add(rebuild.server.uuid)
        self._sent.setdefault(host.name, []).append(rebuild)
        self.dispatch(host)

    def _oldest_accepted(self, rebuild: _Rebuild) -> MigrationRecord:
        """The record that Nova takes for a request, whichever made it.

        Where an earlier request was lost, that is the earlier record, and
        the new one stays as it is for ever
        (nova.conductor.manager, ``get_by_instance_and_status``).
        """
        return next(
            (
                migration
                for migration in self._state.migrations
                if migration.instance_uuid == rebuild.server.uuid
                and migration.status == "accepted"
            ),
            rebuild.migration,
        )

    def dispatch(self, host: HostRecord) -> None:
        """Have ``host`` take what was sent to it, and do what it can."""
        if not host.responds:
            return
        for rebuild in self._sent.pop(host.name, []):
            self._claim(host, rebuild)
        waiting = self._waiting.setdefault(host.name, [])
        running = self._running.setdefault(host.name, [])
        limit = self._state.settings.max_concurrent_rebuilds
        while waiting and len(running) < limit:
            self._begin(host, waiting.pop(0))

    def _claim(self, host: HostRecord, rebuild: _Rebuild) -> None:
        """The destination has the request: from now on Nova says so."""
        fault = self._faults.take(
            "rebuild",
            server=rebuild.server.uuid,
            host=host.name,
            now=self._state.now,
        )
        rebuild.fate = fault or rebuild.fate
        rebuild.migration.dest_host = host.name
        rebuild.migration.dest_node = host.hypervisor
        self._set_status(rebuild, "pre-migrating")
        rebuild.server.task_state = SPAWNING
        self._state.touch(rebuild.server)
        self._waiting.setdefault(host.name, []).append(rebuild)

    def _begin(self, host: HostRecord, rebuild: _Rebuild) -> None:
        self._running[host.name].append(rebuild)
        if _outcome(rebuild.fate) == Kind.LOST:
            return
        seconds = self._state.settings.evacuation_seconds
        seconds += rebuild.fate.seconds if rebuild.fate else 0.0
        self._after(seconds, functools.partial(self._spawn, host), rebuild)

    def _on(
        self,
        host: HostRecord,
        rebuild: _Rebuild,
        step: Callable[[HostRecord, _Rebuild], None],
    ) -> bool:
        """Whether the destination can go on with ``step`` now.

        What a frozen host was doing goes on when it thaws; what a dead one
        was doing is lost.
        """
        if rebuild not in self._running.get(host.name, []):
            return False
        if host.frozen:
            self._after(1.0, functools.partial(step, host), rebuild)
        return not host.frozen

    def _spawn(self, host: HostRecord, rebuild: _Rebuild) -> None:
        if not self._on(host, rebuild, self._spawn):
            return
        server = rebuild.server
        if self._gone(rebuild):
            self._leave(host, rebuild)
        elif server.task_state != SPAWNING:
            self._fail(
                host, rebuild, f"Unexpected task state of {server.uuid}"
            )
        elif self._fails(rebuild):
            self._fail(host, rebuild, "")
        else:
            self._boot(host, rebuild)

    def _fails(self, rebuild: _Rebuild) -> bool:
        """What fails is to start the guest; one that is not started lands."""
        fate = _outcome(rebuild.fate)
        return fate == Kind.CLAIM or (
            fate == Kind.FAIL and not self._ends_stopped(rebuild)
        )

    def _ends_stopped(self, rebuild: _Rebuild) -> bool:
        """Nova starts one in error, whatever it is asked for."""
        state = rebuild.server.vm_state
        return state == "stopped" or (rebuild.stopped and state != "error")

    def _fail(self, host: HostRecord, rebuild: _Rebuild, why: str) -> None:
        self._set_status(rebuild, "failed")
        kept = rebuild.server.vm_state
        reason = why or (rebuild.fate.message if rebuild.fate else "")
        self._state.fail_server(rebuild.server, reason)
        if _outcome(rebuild.fate) == Kind.CLAIM:
            rebuild.server.vm_state = kept
        self._leave(host, rebuild)

    def _boot(self, host: HostRecord, rebuild: _Rebuild) -> None:
        server = rebuild.server
        stops = self._ends_stopped(rebuild)
        host.guests.add(server.uuid)
        server.vm_state = "active"
        server.power_state = RUNNING
        server.task_state = POWERING_OFF if stops else None
        server.fault = None
        self._state.touch(server)
        settings = self._state.settings
        if stops:
            step = functools.partial(self._halt, host)
            self._after(settings.stop_seconds, step, rebuild)
            return
        step = functools.partial(self._hand_over, host)
        self._after(settings.finishing_seconds, step, rebuild)

    def _halt(self, host: HostRecord, rebuild: _Rebuild) -> None:
        if not self._on(host, rebuild, self._halt):
            return
        rebuild.server.vm_state = "stopped"
        rebuild.server.power_state = SHUTDOWN
        rebuild.server.task_state = None
        self._state.touch(rebuild.server)
        step = functools.partial(self._hand_over, host)
        self._after(self._state.settings.finishing_seconds, step, rebuild)

    def _hand_over(self, host: HostRecord, rebuild: _Rebuild) -> None:
        if not self._on(host, rebuild, self._hand_over):
            return
        if not self._gone(rebuild):
            rebuild.server.host = host.name
            rebuild.server.hypervisor = host.hypervisor
            self._state.touch(rebuild.server)
            self._set_status(rebuild, "done")
        self._leave(host, rebuild)

    def _leave(self, host: HostRecord, rebuild: _Rebuild) -> None:
        host.claims.discard(rebuild.server.uuid)
        self._running[host.name].remove(rebuild)
        self.dispatch(host)

    def abandon(self, host: HostRecord) -> None:
        """The destination died: what it had taken never ends.

        What is sent to it from now on waits until it comes back.
        """
        for part in (self._waiting, self._running):
            for rebuild in part.pop(host.name, []):
                host.claims.discard(rebuild.server.uuid)

    def complete(self, source: HostRecord) -> None:
        """The source came back: it deletes what was evacuated from it."""
        for migration in self._state.migrations:
            if migration.source_host != source.name:
                continue
            if migration.status in ("accepted", "pre-migrating", "done"):
                source.guests.discard(migration.instance_uuid)
                migration.status = "completed"
                self._state.touch(migration)
