# SPDX-License-Identifier: Apache-2.0
"""What becomes of each instance, as the simulated cloud itself knows it."""

import dataclasses
import enum

from masakari.simulator.cloud import Cloud
from masakari.simulator.records import MigrationRecord, ServerRecord


class Stage(enum.StrEnum):
    """How far an instance is."""

    LOST = "on a dead host"
    QUEUED = "queued"
    REBUILDING = "rebuilding"
    BACK = "back"
    FAILED = "failed"


@dataclasses.dataclass(slots=True, kw_only=True)
class Move:
    """One instance of a failed host; times are epoch seconds.

    :ivar asked_at: when Nova accepted its evacuation
    :ivar began_at: when a destination began to rebuild it
    :ivar ended_at: when Nova showed it on its destination
    :ivar progress: of its rebuild, between 0 and 1
    :ivar seconds: since ``asked_at``, until it was back
    """

    uuid: str
    name: str
    source: str
    ha_enabled: bool
    priority: str
    state_before: str
    state: str
    stage: Stage = Stage.LOST
    destination: str | None = None
    fault: str | None = None
    asked_at: float | None = None
    began_at: float | None = None
    ended_at: float | None = None
    progress: float = 0.0
    seconds: float | None = None

    @property
    def is_back(self) -> bool:
        return self.stage is Stage.BACK


class Watch:
    """Follows the instances of hosts that are going to fail."""

    def __init__(self, cloud: Cloud, hosts: list[str]) -> None:
        self._cloud = cloud
        found = cloud.servers.values()
        self.moves = [_move(one) for one in found if one.host in hosts]

    @property
    def settled(self) -> bool:
        """Whether nothing is expected to happen to any of them."""
        return all(move.is_back for move in self.moves)

    def look(self) -> None:
        """Bring ``moves`` up to date."""
        latest = {m.instance_uuid: m for m in self._cloud.migrations}
        servers = self._cloud.servers
        for move in self.moves:
            server, record = servers.get(move.uuid), latest.get(move.uuid)
            if server is None:
                move.stage = Stage.FAILED
                continue
            move.state = server.task_state or server.vm_state
            if record is not None:
                _follow(move, server, record)
                self._measure(move)

    def _measure(self, move: Move) -> None:
        now = move.ended_at or self._cloud.now
        if move.asked_at is not None:
            move.seconds = max(0.0, now - move.asked_at)
        if move.is_back:
            move.progress = 1.0
        elif move.began_at is not None:
            whole = self._cloud.settings.evacuation_seconds
            move.progress = min(1.0, (now - move.began_at) / whole)


def _move(server: ServerRecord) -> Move:
    return Move(
        uuid=server.uuid,
        name=server.name,
        source=server.host or "",
        ha_enabled="HA_Enabled" in server.metadata,
        priority=server.metadata.get("HA_Priority", ""),
        state_before=server.vm_state,
        state=server.vm_state,
    )


def _follow(move: Move, server: ServerRecord, record: MigrationRecord) -> None:
    move.asked_at = record.created_at
    move.destination = record.dest_host
    move.fault = server.fault
    match record.status:
        case "accepted":
            move.stage = Stage.QUEUED
        case "pre-migrating":
            move.stage = Stage.REBUILDING
            move.began_at = record.updated_at
        case "done":
            move.ended_at = record.updated_at
            as_before = server.vm_state == move.state_before
            quiet = server.task_state is None
            move.stage = Stage.BACK if as_before and quiet else Stage.FAILED
        case _:
            move.stage = Stage.FAILED
