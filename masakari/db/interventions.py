# SPDX-License-Identifier: Apache-2.0
"""What operators see of notifications, and what they change, by
compare-and-swap: an engine that was faster is never overwritten.
"""

import datetime
import typing
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from masakari import exception
from masakari.db import notifications, query
from masakari.db.session import now, now_ms
from masakari.db.tables import Claim, Host, Recovery
from masakari.db.tables import Notification as Row
from masakari.domain.intervention import Situation
from masakari.domain.model import (
    UNFINISHED,
    Notification,
    NotificationStatus,
    NotificationType,
)
from masakari.domain.verdict import Verdict


def situation(session: orm.Session, uuid: str) -> Situation:
    """How things stand with one notification.

    :raises NotificationNotFound: there is none
    """
    column = query.columns(Row).notification_uuid
    for found in _situations(session, query.equal(column, uuid)):
        return found
    raise exception.NotificationNotFound(uuid=uuid)


def claimed(session: orm.Session) -> list[Situation]:
    """Those that an engine has claimed and not released."""
    return _situations(session, Claim.owner.is_not(None))


def unsettled(session: orm.Session, *, since: float) -> list[Situation]:
    """Those with work left to do, and those whose hosts may still be down.

    :param since: how long ago (seconds) one may have failed, or the failure
        of a host have been ignored
    """
    return _situations(
        session,
        sa.or_(
            Row.status.in_([status.value for status in UNFINISHED]),
            sa.and_(
                sa.or_(
                    Row.status == NotificationStatus.FAILED,
                    sa.and_(
                        Row.status == NotificationStatus.IGNORED,
                        Row.type == NotificationType.COMPUTE_HOST,
                    ),
                ),
                Row.updated_at >= _ago(session, since),
            ),
        ),
    )


def matching(
    session: orm.Session,
    *,
    statuses: Collection[NotificationStatus] | None = None,
    host: str | None = None,
    since: float | None = None,
) -> list[Situation]:
    """All of which this holds; None leaves it open.

    :param host: the name of the host, which may not be registered any more
    :param since: how long ago (seconds) one was reported, or has changed
    """
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if statuses is not None:
        values = [status.value for status in statuses]
        conditions.append(Row.status.in_(values))
    if host is not None:
        conditions.append(query.equal(query.columns(Host).name, host))
    if since is not None:
        changed_at = sa.func.coalesce(Row.updated_at, Row.created_at)
        conditions.append(changed_at >= _ago(session, since))
    return _situations(session, sa.and_(*conditions))


def try_again(
    session: orm.Session, notification: Notification, verdict: Verdict
) -> bool:
    """Make the next attempt due now.

    :param notification: as it was when that was decided
    :param verdict: what it becomes
    :returns: False when it has changed since
    """
    changed = _changes(
        session,
        notification,
        status=verdict.status.value,
        message=verdict.message,
        updated_at=now(session),
    )
    if changed:
        session.execute(
            sa.update(Recovery)
            .where(Recovery.notification_uuid == notification.uuid)
            .values(next_attempt_at=None)
        )
    return changed


def let_go(session: orm.Session, notification: Notification) -> bool:
    """Have engines take one that is ``running`` without a live lease.

    An engine of releases up to 21.0.0 keeps none: what it works on is left
    to it for as long as its last change is not long ago.

    :param notification: as it was when that was decided
    :returns: False when it has changed since
    """
    return _changes(session, notification, updated_at=None)


def _changes(
    session: orm.Session, notification: Notification, **values: Any
) -> bool:
    result = session.execute(
        sa.update(Row)
        .where(
            Row.notification_uuid == notification.uuid,
            Row.deleted == 0,
            Row.status == notification.status.value,
            Row.updated_at.is_not_distinct_from(notification.updated_at),
        )
        .values(**values)
    )
    return typing.cast("sa.CursorResult[Any]", result).rowcount == 1


def _situations(
    session: orm.Session, condition: sa.ColumnElement[bool]
) -> list[Situation]:
    rows = session.execute(
        sa.select(
            Row,
            Host,
            Recovery.attempts,
            Recovery.next_attempt_at - now_ms(session),
            Claim.owner,
            Claim.expires_at - now_ms(session),
        )
        .outerjoin(
            Recovery, Recovery.notification_uuid == Row.notification_uuid
        )
        .outerjoin(Claim, Claim.notification_uuid == Row.notification_uuid)
        .outerjoin(Host, Host.uuid == Row.source_host_uuid)
        .where(Row.deleted == 0, condition)
        .order_by(Row.created_at, Row.id)
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
    return now(session) - datetime.timedelta(seconds=seconds)


def _age(session: orm.Session, row: Row) -> float:
    if row.created_at is None:
        return 0
    return (now(session) - row.created_at).total_seconds()


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
