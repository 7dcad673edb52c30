# SPDX-License-Identifier: Apache-2.0
"""The tables, as mapped classes.

The first four are shared with every release of Masakari; the others are
additions that an older release does not look at. No column has a server
default: what a row starts with is set by the functions of this package.
"""

import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari.domain import model

RECOVERY_METHODS = sqlalchemy.Enum(
    *(method.value for method in model.RecoveryMethod),
    name="recovery_methods",
)
NOTIFICATION_STATUS = sqlalchemy.Enum(
    *(status.value for status in model.NotificationStatus),
    name="notification_status",
)


#: More than a person reads, and less than 64 KiB in any encoding.
_LONGEST_MESSAGE = 16000


def _fitting(value: str | None, longest: int, dialect: Any) -> str | None:
    """The text with what a database refuses to hold replaced."""
    if value is None:
        return None
    last = "\uffff" if dialect.name in ("mysql", "mariadb") else "\U0010ffff"
    return "".join(
        character
        if "\0" < character < "\ud800" or "\udfff" < character <= last
        else "\ufffd"
        for character in value[:longest]
    )


class Message(sqlalchemy.TypeDecorator[str]):
    """A reason in the words of whoever gave it, cut if it is endless."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(
        self, value: str | None, dialect: Any
    ) -> str | None:
        return _fitting(value, _LONGEST_MESSAGE, dialect)


class ForeignName(sqlalchemy.TypeDecorator[str]):
    """A name that somebody chose who did not know our rules."""

    impl = sqlalchemy.String(255)
    cache_ok = True

    def process_bind_param(
        self, value: str | None, dialect: Any
    ) -> str | None:
        return _fitting(value, 255, dialect)


class Base(orm.DeclarativeBase):
    """All tables of Masakari; those of TaskFlow are not among them."""


class SoftDeleted:
    """The columns of a row that is hidden before it is removed.

    ``deleted`` is 0 in a live row and the row's ``id`` in a hidden one.
    """

    id: orm.Mapped[int] = orm.mapped_column(
        primary_key=True, autoincrement=True
    )
    created_at: orm.Mapped[datetime.datetime | None]
    updated_at: orm.Mapped[datetime.datetime | None]
    deleted_at: orm.Mapped[datetime.datetime | None]
    deleted: orm.Mapped[int | None] = orm.mapped_column(default=0)


class Segment(SoftDeleted, Base):
    __tablename__ = "failover_segments"
    __table_args__ = (
        sqlalchemy.UniqueConstraint("uuid", name="uniq_segments0uuid"),
        sqlalchemy.UniqueConstraint(
            "name", "deleted", name="uniq_segment0name0deleted"
        ),
        sqlalchemy.Index("segments_service_type_idx", "service_type"),
    )

    uuid: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(36))
    name: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(255))
    service_type: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(255))
    enabled: orm.Mapped[bool | None]
    description: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.Text)
    recovery_method: orm.Mapped[str] = orm.mapped_column(RECOVERY_METHODS)


class Host(SoftDeleted, Base):
    __tablename__ = "hosts"
    __table_args__ = (
        sqlalchemy.UniqueConstraint("uuid", name="uniq_host0uuid"),
        sqlalchemy.UniqueConstraint(
            "name", "deleted", name="uniq_host0name0deleted"
        ),
        sqlalchemy.Index("hosts_type_idx", "type"),
    )

    uuid: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(36))
    name: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(255))
    reserved: orm.Mapped[bool | None]
    type: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(255))
    control_attributes: orm.Mapped[str] = orm.mapped_column(sqlalchemy.Text)
    failover_segment_id: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36), sqlalchemy.ForeignKey("failover_segments.uuid")
    )
    on_maintenance: orm.Mapped[bool | None]


class Notification(SoftDeleted, Base):
    __tablename__ = "notifications"
    __table_args__ = (
        sqlalchemy.UniqueConstraint(
            "notification_uuid", name="uniq_notification0uuid"
        ),
        sqlalchemy.Index("notifications_status_idx", "status"),
        sqlalchemy.Index(
            "notifications_source_host_uuid_type_generated_time_idx",
            "source_host_uuid",
            "type",
            "generated_time",
        ),
    )

    notification_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36)
    )
    generated_time: orm.Mapped[datetime.datetime]
    source_host_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36)
    )
    type: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(36))
    payload: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.Text)
    status: orm.Mapped[str] = orm.mapped_column(NOTIFICATION_STATUS)
    failover_segment_uuid: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(36)
    )
    message: orm.Mapped[str | None] = orm.mapped_column(Message)


class VMove(SoftDeleted, Base):
    __tablename__ = "vmoves"
    __table_args__ = (
        sqlalchemy.UniqueConstraint("uuid", name="uniq_vmove0uuid"),
        sqlalchemy.Index("vmoves_instance_uuid_idx", "instance_uuid"),
        sqlalchemy.Index("vmoves_notification_uuid_idx", "notification_uuid"),
    )

    uuid: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(36))
    notification_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36)
    )
    instance_uuid: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(36))
    instance_name: orm.Mapped[str] = orm.mapped_column(ForeignName)
    source_host: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(255)
    )
    dest_host: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(255)
    )
    start_time: orm.Mapped[datetime.datetime | None]
    end_time: orm.Mapped[datetime.datetime | None]
    type: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.String(36))
    status: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.String(255))
    message: orm.Mapped[str | None] = orm.mapped_column(Message)


class Claim(Base):
    """Which engine works on a host or an instance, and until when.

    ``subject`` is the uuid of the one or the other. ``expires_at`` is in
    milliseconds since the epoch of the database's own clock; 0 means that
    nobody has it. ``token`` is of the claim, and stays until the next one.
    """

    __tablename__ = "claims"
    __table_args__ = (
        sqlalchemy.Index("claims_notification_uuid_idx", "notification_uuid"),
    )

    subject: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36), primary_key=True
    )
    notification_uuid: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(36)
    )
    owner: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.String(255))
    token: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.String(36))
    expires_at: orm.Mapped[int] = orm.mapped_column(sqlalchemy.BigInteger)


class Engine(Base):
    """An engine that runs, or ran until its heart stopped.

    ``name`` is the ``owner`` of its claims. ``expires_at`` is in
    milliseconds since the epoch of the database's own clock.
    """

    __tablename__ = "engines"

    name: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(255), primary_key=True
    )
    host: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(255))
    version: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(64))
    started_at: orm.Mapped[datetime.datetime]
    expires_at: orm.Mapped[int] = orm.mapped_column(sqlalchemy.BigInteger)
    stopping: orm.Mapped[bool]
    trouble: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.Text)


class HostIntake(Base):
    """A row to write to, so that reports of one host come one by one.

    So do changes of the hosts of a segment, whose uuid it then has.
    ``lifted_after`` is the id of the last notification that the host had when
    its maintenance was lifted last; None when there was none.
    """

    __tablename__ = "host_intakes"

    source_host_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36), primary_key=True
    )
    accepted: orm.Mapped[int] = orm.mapped_column(sqlalchemy.BigInteger)
    lifted_after: orm.Mapped[int | None] = orm.mapped_column(
        sqlalchemy.BigInteger
    )


class Recovery(Base):
    """What the engine remembers of a notification between two attempts.

    ``next_attempt_at`` is in milliseconds since the epoch of the
    database's own clock; None means as soon as possible. ``subject`` is
    what an engine has to claim; None means the notification's host.

    ``waiting_for`` is the reason for which it was put back, ``waits`` how
    often it was, ``told_at`` when the log said so last (as
    ``next_attempt_at``). ``takeovers`` counts the engines that have left it
    without a word. ``last_asked_at`` is when an evacuation was last about to
    be asked for.
    """

    __tablename__ = "recoveries"

    notification_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36), primary_key=True
    )
    request_id: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(255)
    )
    attempts: orm.Mapped[int] = orm.mapped_column(default=0)
    next_attempt_at: orm.Mapped[int | None] = orm.mapped_column(
        sqlalchemy.BigInteger
    )
    subject: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.String(36))
    waiting_for: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(16)
    )
    waits: orm.Mapped[int | None]
    told_at: orm.Mapped[int | None] = orm.mapped_column(sqlalchemy.BigInteger)
    takeovers: orm.Mapped[int | None]
    last_asked_at: orm.Mapped[int | None] = orm.mapped_column(
        sqlalchemy.BigInteger
    )


class VMovePlan(Base):
    """Why and how an instance is moved, as it was when first planned."""

    __tablename__ = "vmove_plans"
    __table_args__ = (
        sqlalchemy.UniqueConstraint(
            "notification_uuid",
            "instance_uuid",
            "attempt",
            name="uniq_vmove_plans0notification_uuid0instance_uuid0attempt",
        ),
        sqlalchemy.Index("vmove_plans_instance_uuid_idx", "instance_uuid"),
    )

    vmove_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36), primary_key=True
    )
    notification_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36)
    )
    instance_uuid: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(36))
    attempt: orm.Mapped[int]
    position: orm.Mapped[int]
    priority: orm.Mapped[int]
    ha_enabled: orm.Mapped[bool]
    vm_state: orm.Mapped[str | None] = orm.mapped_column(sqlalchemy.String(64))
    task_state: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(64)
    )
    power_state: orm.Mapped[int | None]


class ReserveUse(Base):
    """A reserved host that a recovery has taken, and how it found it.

    ``aggregates`` are the ids, joined by commas, of those that the recovery
    adds the host to.
    """

    __tablename__ = "reserve_uses"
    __table_args__ = (
        sqlalchemy.Index(
            "reserve_uses_notification_uuid_idx", "notification_uuid"
        ),
    )

    host_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36), primary_key=True
    )
    notification_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36)
    )
    was_enabled: orm.Mapped[bool]
    disabled_reason: orm.Mapped[str | None] = orm.mapped_column(
        sqlalchemy.String(255)
    )
    aggregates: orm.Mapped[str] = orm.mapped_column(sqlalchemy.Text)


class ProcessOutage(Base):
    """A host that is on maintenance because a process of it stopped.

    ``disabled_reason`` is the one under which its compute service is
    disabled; whatever else disables it is somebody else's doing. Engines
    found the service up at every look from ``up_since`` to ``seen_up_at``,
    in milliseconds since the epoch of the database's own clock.
    """

    __tablename__ = "process_outages"

    host_uuid: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(36), primary_key=True
    )
    process_name: orm.Mapped[str] = orm.mapped_column(sqlalchemy.String(255))
    disabled_reason: orm.Mapped[str] = orm.mapped_column(
        sqlalchemy.String(255)
    )
    up_since: orm.Mapped[int | None] = orm.mapped_column(sqlalchemy.BigInteger)
    seen_up_at: orm.Mapped[int | None] = orm.mapped_column(
        sqlalchemy.BigInteger
    )
