# SPDX-License-Identifier: Apache-2.0
"""What operators see of notifications, and what they change, by
compare-and-swap: an engine that was faster is never overwritten.
"""

import datetime
from collections.abc import Collection
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari import exception
from masakari.db import clocks, hosts, notifications, query, tables, turns
from masakari.domain import model
from masakari.domain.intervention import Situation
from masakari.domain.verdict import Verdict


def situation(session: orm.Session, uuid: str) -> Situation:
    """How things stand with one notification.

    :raises NotificationNotFound: there is none
    """
    column = query.columns(tables.Notification).notification_uuid
    for found in _situations(session, query.equal(column, uuid)):
        return found
    raise exception.NotificationNotFound(uuid=uuid)


def claimed(session: orm.Session) -> list[Situation]:
    """Those that an engine has claimed and not released."""
    return _situations(session, tables.Claim.owner.is_not(None))


def unsettled(session: orm.Session, *, since: float) -> list[Situation]:
    """Those with work left to do, and those whose hosts may still be down.

    :param since: how long ago (seconds) one may have failed, or the failure
        of a host have been ignored
    """
    return _situations(
        session,
        sqlalchemy.or_(
            tables.Notification.status.in_(
                [status.value for status in model.UNFINISHED]
            ),
            sqlalchemy.and_(
                sqlalchemy.or_(
                    tables.Notification.status
                    == model.NotificationStatus.FAILED,
                    sqlalchemy.and_(
                        tables.Notification.status
                        == model.NotificationStatus.IGNORED,
                        tables.Notification.type
                        == model.NotificationType.COMPUTE_HOST,
                    ),
                ),
                tables.Notification.updated_at >= _ago(session, since),
            ),
        ),
    )


def matching(
    session: orm.Session,
    *,
    statuses: Collection[model.NotificationStatus] | None = None,
    host: str | None = None,
    since: float | None = None,
) -> list[Situation]:
    """All of which this holds; None leaves it open.

    :param host: the name of the host, which may not be registered any more
    :param since: how long ago (seconds) one was reported, or has changed
    """
    conditions: list[sqlalchemy.ColumnElement[bool]] = [sqlalchemy.true()]
    if statuses is not None:
        values = [status.value for status in statuses]
        conditions.append(tables.Notification.status.in_(values))
    if host is not None:
        conditions.append(query.equal(query.columns(tables.Host).name, host))
    if since is not None:
        changed_at = sqlalchemy.func.coalesce(
            tables.Notification.updated_at, tables.Notification.created_at
        )
        conditions.append(changed_at >= _ago(session, since))
    return _situations(session, sqlalchemy.and_(*conditions))


def retry(
    session: orm.Session, notification: model.Notification, verdict: Verdict
) -> bool:
    """Make the next attempt due now.

    :param notification: as it was when that was decided
    :param verdict: what it becomes
    :returns: False when it has changed since, or its host is gone
    """
    turns.take(session, notification.source_host_uuid)
    if not hosts.is_there(session, notification.source_host_uuid):
        return False
    changed = _changes(
        session,
        notification,
        status=verdict.status.value,
        message=verdict.message,
        updated_at=clocks.now(session),
    )
    if changed:
        session.execute(
            sqlalchemy.update(tables.Recovery)
            .where(tables.Recovery.notification_uuid == notification.uuid)
            .values(next_attempt_at=None)
        )
    return changed or _awaits_retry(session, notification.uuid, verdict)


def release(session: orm.Session, notification: model.Notification) -> bool:
    """Have engines take one that is ``running`` without a live lease.

    An engine of releases up to 21.0.0 keeps none: what it works on is left
    to it for as long as its last change is not long ago.

    :param notification: as it was when that was decided
    :returns: False when it has changed since
    """
    return _changes(session, notification, updated_at=None) or _finds(
        session,
        notification.uuid,
        tables.Notification.status == notification.status.value,
        tables.Notification.updated_at.is_(None),
    )


def _awaits_retry(session: orm.Session, uuid: str, verdict: Verdict) -> bool:
    """Whether it is as wanted: an earlier commit may have been done."""
    return _finds(
        session,
        uuid,
        tables.Notification.status == verdict.status.value,
        tables.Notification.message.is_not_distinct_from(verdict.message),
        tables.Recovery.next_attempt_at.is_(None),
    )


def _finds(
    session: orm.Session,
    uuid: str,
    *conditions: sqlalchemy.ColumnElement[bool],
) -> bool:
    """Whether there is the notification, and all of that is true of it."""
    found = session.scalar(
        sqlalchemy.select(tables.Notification.id)
        .outerjoin(
            tables.Recovery,
            tables.Recovery.notification_uuid
            == tables.Notification.notification_uuid,
        )
        .where(
            tables.Notification.notification_uuid == uuid,
            query.live(tables.Notification),
            *conditions,
        )
    )
    return found is not None


def _changes(
    session: orm.Session, notification: model.Notification, **values: Any
) -> bool:
    changed = query.changed(
        session,
        sqlalchemy.update(tables.Notification)
        .where(
            tables.Notification.notification_uuid == notification.uuid,
            query.live(tables.Notification),
            tables.Notification.status == notification.status.value,
            tables.Notification.updated_at.is_not_distinct_from(
                notification.updated_at
            ),
        )
        .values(**values),
    )
    return changed == 1


def _situations(
    session: orm.Session, condition: sqlalchemy.ColumnElement[bool]
) -> list[Situation]:
    rows = session.execute(
        sqlalchemy.select(
            tables.Notification,
            tables.Host,
            tables.Recovery.attempts,
            tables.Recovery.next_attempt_at - clocks.now_ms(),
            tables.Claim.owner,
            tables.Claim.expires_at - clocks.now_ms(),
        )
        .outerjoin(
            tables.Recovery,
            tables.Recovery.notification_uuid
            == tables.Notification.notification_uuid,
        )
        .outerjoin(
            tables.Claim,
            tables.Claim.notification_uuid
            == tables.Notification.notification_uuid,
        )
        .outerjoin(
            tables.Host,
            tables.Host.uuid == tables.Notification.source_host_uuid,
        )
        .where(query.live(tables.Notification), condition)
        .order_by(tables.Notification.created_at, tables.Notification.id)
    )
    return [
        Situation(
            notification=notifications.to_domain(row),
            host_name=None if host is None else host.name,
            registered=host is not None and not host.deleted,
            age=_age(session, row),
            attempts=attempts or 0,
            next_attempt_in=_seconds(due_in),
            owner=owner,
            lease_left=_seconds(left),
        )
        for row, host, attempts, due_in, owner, left in rows
    ]


def _ago(session: orm.Session, seconds: float) -> datetime.datetime:
    return clocks.now(session) - datetime.timedelta(seconds=seconds)


def _age(session: orm.Session, row: tables.Notification) -> float:
    if row.created_at is None:
        return 0
    return (clocks.now(session) - row.created_at).total_seconds()


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
