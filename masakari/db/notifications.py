# SPDX-License-Identifier: Apache-2.0
"""Notifications: taking them in, and finding them again.

What has work to do is in :mod:`masakari.db.due`, who does it in
:mod:`masakari.db.claims`.
"""

import datetime
import json
from collections.abc import Collection, Mapping

import sqlalchemy
from sqlalchemy import orm

from masakari import exception
from masakari.db import clocks, query, tables
from masakari.domain import model, triage

_COLUMNS = query.columns(tables.Notification)

_FILTERS: Mapping[str, query.Column] = {
    "source_host_uuid": _COLUMNS.source_host_uuid,
    "status": _COLUMNS.status,
    "type": _COLUMNS.type,
}

#: They cut seconds off at the point when they store them.
_WHOLE_SECONDS = ("mysql", "mariadb")


def create(
    session: orm.Session,
    notification: model.Notification,
    *,
    request_id: str | None,
) -> model.Notification:
    """Accept a report: an engine may claim it from now on.

    :param notification: a ``new`` one, with a uuid of its own
    :param request_id: of the request that brings it
    """
    row = tables.Notification(
        notification_uuid=notification.uuid,
        generated_time=notification.generated_time,
        source_host_uuid=notification.source_host_uuid,
        failover_segment_uuid=notification.failover_segment_uuid,
        type=notification.type.value,
        payload=json.dumps(dict(notification.payload)),
        status=notification.status.value,
        created_at=clocks.now(session),
        deleted=0,
    )
    recovery = tables.Recovery(
        notification_uuid=notification.uuid,
        request_id=None if request_id is None else request_id[:255],
        attempts=0,
        subject=triage.subject(notification.type, notification.payload),
    )
    session.add_all([row, recovery])
    session.flush()
    return to_domain(row)


def get(session: orm.Session, uuid: str) -> model.Notification:
    """The live notification.

    :raises NotificationNotFound: there is none
    """
    found = find(session, uuid)
    if found is None:
        raise exception.NotificationNotFound(uuid=uuid)
    return found


def find(session: orm.Session, uuid: str) -> model.Notification | None:
    """The live notification, if there is one."""
    row = session.scalars(
        sqlalchemy.select(tables.Notification).where(
            query.live(tables.Notification),
            query.equal(_COLUMNS.notification_uuid, uuid),
        )
    ).one_or_none()
    return None if row is None else to_domain(row)


def select(
    session: orm.Session,
    filters: Mapping[str, str | datetime.datetime | None],
    page: query.Page,
) -> list[model.Notification]:
    """Live notifications.

    :param filters: of ``status``, ``type``, ``source_host_uuid`` and
        ``generated_since`` (naive UTC, inclusive); None is no filter
    :raises InvalidInput: the page is not valid
    """
    texts = {
        name: value
        for name, value in filters.items()
        if not isinstance(value, datetime.datetime)
        and name != "generated_since"
    }
    statement = sqlalchemy.select(tables.Notification).where(
        query.live(tables.Notification), *query.conditions(_FILTERS, texts)
    )
    since = filters.get("generated_since")
    if isinstance(since, datetime.datetime):
        statement = statement.where(
            tables.Notification.generated_time >= since
        )
    rows = query.page(
        session,
        statement,
        tables.Notification,
        page,
        uuid="notification_uuid",
    )
    return [to_domain(row) for (row,) in rows]


def of_host(
    session: orm.Session,
    host_uuid: str,
    type: str,
    since: datetime.datetime | None = None,
    *,
    after: int = 0,
    about: str = "",
) -> list[model.Notification]:
    """What was reported of a host, the newest first.

    :param since: only those generated then or later (naive UTC), as far as
        the database keeps fractions of a second
    :param after: only those that came after the one of this id
    :param about: a text that is in their payloads
    """
    table = tables.Notification
    statement = sqlalchemy.select(table).where(
        query.live(table),
        query.equal(_COLUMNS.source_host_uuid, host_uuid),
        query.equal(_COLUMNS.type, str(type)),
        table.id > after,
    )
    if since is not None:
        if session.get_bind().dialect.name in _WHOLE_SECONDS:
            since = since.replace(microsecond=0)
        statement = statement.where(table.generated_time >= since)
    if about:
        written_in_json = json.dumps(about)[1:-1]
        statement = statement.where(
            table.payload.contains(written_in_json, autoescape=True)
        )
    rows = session.scalars(statement.order_by(table.id.desc()))
    return [to_domain(row) for row in rows]


def being_restarted(
    session: orm.Session, instance_uuids: Collection[str]
) -> set[str]:
    """Those of the instances that a recovery of their own is at.

    It has begun, and its end is not known yet.
    """
    found = session.scalars(
        sqlalchemy.select(tables.Recovery.subject)
        .join(
            tables.Notification,
            tables.Notification.notification_uuid
            == tables.Recovery.notification_uuid,
        )
        .where(
            tables.Recovery.subject.in_(instance_uuids),
            tables.Recovery.attempts > 0,
            tables.Notification.type == model.NotificationType.VM.value,
            tables.Notification.status.in_(
                [status.value for status in model.UNFINISHED]
            ),
            query.live(tables.Notification),
        )
    )
    return {uuid for uuid in found if uuid is not None}


def to_domain(row: tables.Notification) -> model.Notification:
    """The record of a row."""
    return model.Notification(
        **query.record(row),
        uuid=row.notification_uuid,
        type=model.NotificationType(row.type),
        status=model.NotificationStatus(row.status),
        source_host_uuid=row.source_host_uuid,
        failover_segment_uuid=row.failover_segment_uuid,
        generated_time=row.generated_time,
        payload=_payload(row.payload),
        message=row.message,
    )


def _payload(text: str | None) -> Mapping[str, str]:
    """One that was cut off, for example, must not hide all others."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return model.Unreadable()
    return found if isinstance(found, dict) else model.Unreadable()
