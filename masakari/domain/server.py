# SPDX-License-Identifier: Apache-2.0
"""What Masakari needs to know of Nova's objects, in Nova's words."""

import dataclasses
import datetime
import enum
from collections.abc import Mapping


class VMState(enum.StrEnum):
    """The ``vm_state`` values that decide something; others are text."""

    ACTIVE = "active"
    STOPPED = "stopped"
    ERROR = "error"
    RESIZED = "resized"
    PAUSED = "paused"
    RESCUED = "rescued"


#: ``power_state`` of a guest that is shut down (nova.compute.power_state).
SHUTDOWN = 4

#: ``task_state`` of an instance that is on its way to ``stopped``.
POWERING_OFF = "powering-off"

#: ``task_state`` of an instance that is being evacuated.
REBUILDING = frozenset(
    {"rebuilding", "rebuild_block_device_mapping", "rebuild_spawning"}
)

#: ``task_state`` of an instance whose user has deleted it.
DELETING = frozenset({"deleting", "soft-deleting"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Nova server.

    ``host`` is ``OS-EXT-SRV-ATTR:host``, the name of the compute service,
    which need not be ``hypervisor``, its ``hypervisor_hostname``.
    """

    uuid: str
    name: str
    host: str | None
    hypervisor: str | None = None
    vm_state: str
    task_state: str | None = None
    power_state: int = 0
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    locked: bool = False
    fault: str | None = None
    updated_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ComputeService:
    """A ``nova-compute`` service; ``id`` is its uuid (microversion 2.53)."""

    id: str
    host: str
    up: bool
    enabled: bool
    disabled_reason: str | None = None
    forced_down: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Nova's record of one evacuation.

    ``id`` grows with time; ``dest_host`` is None until the scheduler has
    chosen.
    """

    id: int
    instance_uuid: str
    source_host: str
    dest_host: str | None
    status: str
    created_at: datetime.datetime
    updated_at: datetime.datetime | None = None

    @property
    def succeeded(self) -> bool:
        """``completed`` is ``done`` after the source host came back."""
        return self.status in ("done", "completed")

    @property
    def failed(self) -> bool:
        return self.status in ("error", "failed", "cancelled")

    @property
    def in_progress(self) -> bool:
        return not (self.succeeded or self.failed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    id: int
    name: str
    hosts: tuple[str, ...]
