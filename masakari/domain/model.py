# SPDX-License-Identifier: Apache-2.0
"""The records Masakari keeps, as frozen values.

All datetimes are naive and in UTC, as they are in the database and on the
wire.
"""

import dataclasses
import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Any


class RecoveryMethod(enum.StrEnum):
    AUTO = "auto"
    RESERVED_HOST = "reserved_host"
    AUTO_PRIORITY = "auto_priority"
    RH_PRIORITY = "rh_priority"


class NotificationType(enum.StrEnum):
    COMPUTE_HOST = "COMPUTE_HOST"
    VM = "VM"
    PROCESS = "PROCESS"


class NotificationStatus(enum.StrEnum):
    NEW = "new"
    RUNNING = "running"
    ERROR = "error"
    FAILED = "failed"
    IGNORED = "ignored"
    FINISHED = "finished"


class VMoveType(enum.StrEnum):
    EVACUATION = "evacuation"
    MIGRATION = "migration"
    LIVE_MIGRATION = "live_migration"


class VMoveStatus(enum.StrEnum):
    PENDING = "pending"
    ONGOING = "ongoing"
    IGNORED = "ignored"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


class EngineState(enum.StrEnum):
    UP = "up"
    STOPPING = "stopping"
    #: Its heartbeat has stopped.
    DOWN = "down"
    #: It works on something, and has no heartbeat.
    UNKNOWN = "unknown"


#: Work is left to do for a notification in one of these.
UNFINISHED = frozenset(
    {
        NotificationStatus.NEW,
        NotificationStatus.RUNNING,
        NotificationStatus.ERROR,
    }
)

#: Nothing more happens to a move in one of these.
SETTLED = frozenset(
    {VMoveStatus.IGNORED, VMoveStatus.FAILED, VMoveStatus.SUCCEEDED}
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every row has. ``deleted`` is the column as the API shows it."""

    id: int
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None
    deleted_at: datetime.datetime | None
    deleted: bool


#: The fields of a :class:`Record` that is not in the database yet.
UNSAVED: Mapping[str, Any] = {
    "id": 0,
    "created_at": None,
    "updated_at": None,
    "deleted_at": None,
    "deleted": False,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Segment(Record):
    """Compute hosts that stand in for one another."""

    uuid: str
    name: str
    service_type: str
    recovery_method: RecoveryMethod
    enabled: bool
    description: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host(Record):
    """A compute host; ``name`` is the ``host`` of its nova-compute service."""

    uuid: str
    name: str
    type: str
    control_attributes: str
    reserved: bool
    on_maintenance: bool
    segment: Segment


class Unreadable(dict[str, str]):
    """The payload of a notification whose own cannot be read: it is empty."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Notification(Record):
    """A failure that a monitor reported.

    ``failover_segment_uuid`` is None in rows that releases before 20.0.0
    wrote.
    """

    uuid: str
    type: NotificationType
    status: NotificationStatus
    source_host_uuid: str
    failover_segment_uuid: str | None
    generated_time: datetime.datetime
    payload: Mapping[str, str]
    message: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A notification with work left to do, for the host of a name."""

    notification: Notification
    host_name: str

    def __str__(self) -> str:
        return (
            f"Notification {self.notification.uuid} "
            f"({self.notification.type}) of host {self.host_name} is "
            f"{self.notification.status}."
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VMove(Record):
    """What was done for one instance of a failed host."""

    uuid: str
    notification_uuid: str
    instance_uuid: str
    instance_name: str
    source_host: str | None
    dest_host: str | None
    start_time: datetime.datetime | None
    end_time: datetime.datetime | None
    type: VMoveType | None
    status: VMoveStatus | None
    message: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a move ended; ``status`` is one of ``SETTLED``."""

    vmove_uuid: str
    status: VMoveStatus
    dest_host: str | None = None
    message: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEntry:
    """One line of a task's progress; ``progress`` is between 0 and 1.

    Both texts are shown as they were recorded, ``timestamp`` as
    ``YYYY-MM-DD HH:MM:SS.ffffff``.
    """

    timestamp: str
    progress: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """One task of a recovery workflow, as ``recovery_workflow_details``.

    :param engine: the name of the one that ran it; None where an engine of a
        release up to 21.0.0 did
    """

    name: str
    progress: float
    state: str
    entries: tuple[ProgressEntry, ...]
    engine: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """A reserved host that is taken for a recovery.

    :param was_enabled: whether its compute service was enabled before
    :param disabled_reason: the reason for which it was not
    :param aggregates: ids of those that the recovery adds it to
    """

    host: Host
    was_enabled: bool
    disabled_reason: str | None
    aggregates: Sequence[int] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOutage:
    """Why a host is on maintenance although nobody has put it there.

    :param disabled_reason: the one that Nova was given for disabling its
        compute service
    """

    process_name: str
    disabled_reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoppedHost:
    """A host on maintenance for a process, as Nova shows it since.

    :param up_since: since when every look at Nova has found its compute
        service up, in milliseconds of the database's clock; None when it was
        down at the last one, or the process has been reported once more
    :param up_for: the same in seconds until now
    """

    host: Host
    outage: ProcessOutage
    up_since: int | None = None
    up_for: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A notification that may be claimed; the claim itself decides.

    :param subject: the uuid of the host or instance that has to be held
    :param reported_at: naive UTC
    :param left_by: the engine that worked on it until its lease ran out
    :param waiting_for: why it was put back, if it was
    """

    notification_uuid: str
    type: str
    subject: str
    reported_at: datetime.datetime | None = None
    left_by: str | None = None
    waiting_for: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ResourceClaim:
    """An engine's hold on a host or an instance.

    :param subject: uuid of what is held
    :param token: names this hold; whoever has another one has lost it
    """

    subject: str
    token: str

    def __str__(self) -> str:
        return f"host {self.subject}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim(ResourceClaim):
    """An engine's hold on a notification, and on what it is about.

    :param attempt: 1, and 2 for the retry of one that ended in ``error``
    :param request_id: of the request that reported the failure
    :param waiting_for: why it was put back, if it was; see
        :class:`masakari.exception.RecoveryWaits`
    :param takeovers: how many engines have died while they worked on it
    :param asked_ago: seconds since Nova was last asked for an evacuation of
        it, by whomever; None when it never was
    """

    notification: Notification
    attempt: int
    request_id: str | None = None
    waiting_for: str | None = None
    takeovers: int = 0
    asked_ago: float | None = None

    def __str__(self) -> str:
        return f"notification {self.notification.uuid}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an engine says of itself.

    :param name: the owner of its claims
    :param started_at: naive UTC, whole seconds
    """

    name: str
    host: str
    version: str
    started_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine as its heartbeat shows it.

    :param name: what it is called in the claims it holds
    :param version: of the package
    :param lease_left: seconds until it counts as down unless its heart
        beats again; negative since then
    :param trouble: why it takes up nothing although it runs
    """

    name: str
    host: str
    version: str
    started_at: datetime.datetime
    lease_left: float
    stopping: bool
    trouble: str | None = None

    @property
    def state(self) -> EngineState:
        if self.lease_left <= 0:
            return EngineState.DOWN
        return EngineState.STOPPING if self.stopping else EngineState.UP
