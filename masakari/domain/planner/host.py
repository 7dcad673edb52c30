# SPDX-License-Identifier: Apache-2.0
"""Which instances of a failed host are moved, in which order, to what end."""

import dataclasses
import enum
from collections.abc import Iterable, Mapping

from masakari.domain import metadata
from masakari.domain.model import (
    SETTLED,
    RecoveryMethod,
    VMove,
    VMoveStatus,
)
from masakari.domain.server import (
    DELETING,
    POWERING_OFF,
    SHUTDOWN,
    Migration,
    Server,
    VMState,
)
from masakari.domain.settings import RecoverySettings


class Destination(enum.Enum):
    """Where the instances of a failed host are sent."""

    ANYWHERE = "wherever Nova puts them"
    RESERVED = "to reserved hosts of the segment"


#: In order: what the first does not take goes on to the next.
DESTINATIONS: Mapping[RecoveryMethod, tuple[Destination, ...]] = {
    RecoveryMethod.AUTO: (Destination.ANYWHERE,),
    RecoveryMethod.RESERVED_HOST: (Destination.RESERVED,),
    RecoveryMethod.AUTO_PRIORITY: (
        Destination.ANYWHERE,
        Destination.RESERVED,
    ),
    RecoveryMethod.RH_PRIORITY: (
        Destination.RESERVED,
        Destination.ANYWHERE,
    ),
}


class Goal(enum.StrEnum):
    """The ``vm_state`` that a recovered instance has to end in."""

    ACTIVE = "active"
    STOPPED = "stopped"
    #: Shut down, and in ``error`` as it was before the failure.
    ERROR = "error"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The state of an instance before anything was done to it."""

    vm_state: str
    task_state: str | None = None
    power_state: int = 0

    @property
    def goal(self) -> Goal:
        """What the state before the failure obliges us to restore."""
        if self.vm_state == VMState.ACTIVE:
            return Goal.ACTIVE
        if self.vm_state == VMState.ERROR:
            return Goal.ERROR
        if self.vm_state == VMState.RESIZED and self.power_state != SHUTDOWN:
            return Goal.ACTIVE
        return Goal.STOPPED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One instance to be moved; ``priority`` is higher for earlier."""

    instance_uuid: str
    instance_name: str
    origin: Origin
    ha_enabled: bool = False
    priority: int = 0

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Sort key: HA-enabled first, then by priority, then stable."""
        return (not self.ha_enabled, -self.priority, self.instance_uuid)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMove:
    """A row of ``vmoves`` together with the plan it carries out."""

    vmove: VMove
    move: Move

    @property
    def unsettled(self) -> bool:
        return self.vmove.status not in SETTLED

    @property
    def succeeded(self) -> bool:
        return self.vmove.status is VMoveStatus.SUCCEEDED

    @property
    def failed(self) -> bool:
        return self.vmove.status is VMoveStatus.FAILED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An instance that is left alone, and why."""

    move: Move
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    moves: tuple[Move, ...]
    skipped: tuple[Skipped, ...]


def plan(
    servers: Iterable[Server],
    *,
    settings: RecoverySettings,
    origins: Mapping[str, Origin],
    failed: Iterable[Move] = (),
) -> HostPlan:
    """Plan the evacuation of the servers that Nova shows on a failed host.

    :param origins: states recorded when an instance was first planned for
        this notification, by uuid; they outrank what Nova shows now, which
        may be what an attempt of ours left behind
    :param failed: moves that failed before; they are made again, whether or
        not Nova still shows the servers there
    """
    moves, skipped = [], []
    for server in {server.uuid: server for server in servers}.values():
        move = _move(server, settings, origins.get(server.uuid))
        reason = _reason_to_skip(server, move, settings)
        if reason:
            skipped.append(Skipped(move=move, reason=reason))
        else:
            moves.append(move)
    known = {move.instance_uuid for move in moves}
    known |= {skip.move.instance_uuid for skip in skipped}
    moves += [move for move in failed if move.instance_uuid not in known]
    return HostPlan(
        moves=tuple(sorted(moves, key=lambda move: move.rank)),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.move.rank)),
    )


def being_deleted(server: Server) -> str:
    """Why an instance that its user has deleted is left alone."""
    return (
        f"The instance is being deleted (task state {server.task_state}); "
        "Nova goes on with that when the host is back."
    )


def being_stopped(
    servers: Iterable[Server], evacuations: Iterable[Migration]
) -> dict[str, Origin]:
    """Stopped instances that somebody else evacuates, with their origins.

    Nova starts a stopped instance on its new host, and stops it there before
    it says that it has left (nova.compute.manager, ``_do_rebuild_instance``).
    Meanwhile it looks like one that was running.

    :param evacuations: Nova's records of the failed host, read before the
        servers: what an evacuation finds unfinished it ends
    """
    stopping = {s.uuid for s in servers if s.task_state == POWERING_OFF}
    return {
        record.instance_uuid: Origin(vm_state=VMState.STOPPED)
        for record in evacuations
        if record.instance_uuid in stopping
        and (record.in_progress or record.status == "done")
    }


def _move(
    server: Server, settings: RecoverySettings, origin: Origin | None
) -> Move:
    return Move(
        instance_uuid=server.uuid,
        instance_name=server.name,
        origin=origin
        or Origin(
            vm_state=server.vm_state,
            task_state=server.task_state,
            power_state=server.power_state,
        ),
        ha_enabled=metadata.is_true(
            server.metadata.get(settings.ha_enabled_key)
        ),
        priority=metadata.integer(server.metadata.get(settings.priority_key)),
    )


def _reason_to_skip(
    server: Server, move: Move, settings: RecoverySettings
) -> str | None:
    if server.task_state in DELETING:
        return being_deleted(server)
    if (
        settings.ignore_instances_in_error_state
        and move.origin.vm_state == VMState.ERROR
    ):
        return (
            "The instance was in error state before the failure and "
            "[host_failure] ignore_instances_in_error_state is set."
        )
    if not (settings.evacuate_all_instances or move.ha_enabled):
        return (
            f"The instance has no true {settings.ha_enabled_key} metadata "
            "and [host_failure] evacuate_all_instances is not set."
        )
    return None
