# SPDX-License-Identifier: Apache-2.0
"""Which notifications have work to do, and which of them goes first."""

import datetime
import functools
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari.db import clocks, query, tables
from masakari.domain import model

#: How long (seconds) a notification that an engine without claims has set
#: to ``running`` is left to it. Engines up to 21.0.0 keep no lease.
FOREIGN_GRACE = 600


def candidates(session: orm.Session, *, limit: int) -> list[model.Candidate]:
    """Notifications with work to do whose subject nobody holds.

    Failed hosts come first, then the oldest.
    """
    given = {"limit": limit, "long_ago": long_ago(session)}
    return [
        model.Candidate(
            notification_uuid=uuid,
            type=type,
            subject=held,
            reported_at=reported_at,
            left_by=owner,
            waiting_for=waiting_for,
        )
        for uuid, type, held, reported_at, owner, waiting_for in (
            session.execute(_candidates(), given)
        )
    ]


@functools.cache
def _candidates() -> sqlalchemy.Select[*tuple[Any, ...]]:
    """The statement, built once: idle engines execute it every second."""
    subject = _subject()
    return (
        sqlalchemy.select(
            tables.Notification.notification_uuid,
            tables.Notification.type,
            subject,
            tables.Notification.created_at,
            _left_by(),
            tables.Recovery.waiting_for,
        )
        .outerjoin(
            tables.Recovery,
            tables.Recovery.notification_uuid
            == tables.Notification.notification_uuid,
        )
        .outerjoin(tables.Claim, tables.Claim.subject == subject)
        .where(
            query.live(tables.Notification),
            sqlalchemy.or_(
                tables.Claim.expires_at.is_(None),
                tables.Claim.expires_at <= clocks.now_ms(),
            ),
            condition(sqlalchemy.bindparam("long_ago")),
            _goes_first(),
        )
        .order_by(
            sqlalchemy.case(
                (
                    tables.Notification.type
                    == model.NotificationType.COMPUTE_HOST,
                    0,
                ),
                else_=1,
            ),
            tables.Notification.created_at,
            tables.Notification.id,
        )
        .limit(sqlalchemy.bindparam("limit"))
    )


def _left_by() -> sqlalchemy.ColumnElement[str | None]:
    """Where a subject is free, whoever it still has as its owner is late."""
    same = (
        tables.Claim.notification_uuid == tables.Notification.notification_uuid
    )
    return sqlalchemy.case((same, tables.Claim.owner))


def _subject() -> sqlalchemy.ColumnElement[str]:
    return sqlalchemy.func.coalesce(
        tables.Recovery.subject, tables.Notification.source_host_uuid
    )


def long_ago(session: orm.Session) -> datetime.datetime:
    """When an engine without claims has left what it did not change since."""
    return clocks.now(session) - datetime.timedelta(seconds=FOREIGN_GRACE)


def condition(long_ago: Any) -> sqlalchemy.ColumnElement[bool]:
    """It is new, to be tried again, or left by an engine, as it seems.

    :param long_ago: see :func:`long_ago`, or an expression of it
    """
    return sqlalchemy.or_(
        sqlalchemy.and_(
            tables.Notification.status.in_(
                [
                    model.NotificationStatus.NEW.value,
                    model.NotificationStatus.ERROR.value,
                ]
            ),
            sqlalchemy.or_(
                tables.Recovery.next_attempt_at.is_(None),
                tables.Recovery.next_attempt_at <= clocks.now_ms(),
            ),
        ),
        sqlalchemy.and_(
            tables.Notification.status == model.NotificationStatus.RUNNING,
            sqlalchemy.or_(
                tables.Recovery.attempts > 0,
                tables.Notification.updated_at.is_(None),
                tables.Notification.updated_at < long_ago,
            ),
        ),
    )


def _goes_first() -> sqlalchemy.ColumnElement[bool]:
    """What is wrong on a host has to wait for what is wrong with the host."""
    host = orm.aliased(tables.Notification)
    pending = (
        sqlalchemy.select(host.id)
        .where(
            host.source_host_uuid == tables.Notification.source_host_uuid,
            *_host_failure(host),
        )
        .exists()
    )
    return sqlalchemy.or_(
        tables.Notification.type == model.NotificationType.COMPUTE_HOST,
        ~pending,
    )


def _host_failure(row: Any) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return (
        row.type == model.NotificationType.COMPUTE_HOST,
        row.status.in_([status.value for status in model.UNFINISHED]),
        query.live(row),
    )


def host_is_failing(session: orm.Session, source_host_uuid: str) -> bool:
    """Whether a failure of the whole host is reported and not dealt with."""
    found = session.scalar(
        sqlalchemy.select(tables.Notification.id)
        .where(
            tables.Notification.source_host_uuid == source_host_uuid,
            *_host_failure(tables.Notification),
        )
        .limit(1)
    )
    return found is not None


def recovered_hosts(session: orm.Session) -> set[str]:
    """The names of the hosts that are on maintenance since they failed.

    Or since an operator has set it; not since a process of theirs stopped.
    """
    found = session.scalars(
        sqlalchemy.select(tables.Host.name)
        .outerjoin(
            tables.ProcessOutage,
            tables.ProcessOutage.host_uuid == tables.Host.uuid,
        )
        .where(
            query.live(tables.Host),
            tables.Host.on_maintenance.is_(True),
            tables.ProcessOutage.host_uuid.is_(None),
        )
    )
    return set(found)


def failing_hosts(session: orm.Session) -> set[str]:
    """The names of the hosts whose reported failure is not dealt with."""
    found = session.scalars(
        sqlalchemy.select(tables.Host.name)
        .join(
            tables.Notification,
            tables.Notification.source_host_uuid == tables.Host.uuid,
        )
        .where(*_host_failure(tables.Notification))
    )
    return set(found)


def host_has_work(session: orm.Session, host_uuid: str) -> bool:
    """Whether something of a host is reported for which it is claimed."""
    table = tables.Notification
    found = session.scalar(
        sqlalchemy.select(table.id)
        .where(
            table.source_host_uuid == host_uuid,
            table.type != model.NotificationType.VM,
            table.status.in_([status.value for status in model.UNFINISHED]),
            query.live(table),
        )
        .limit(1)
    )
    return found is not None
