# SPDX-License-Identifier: Apache-2.0
"""Failover segments."""

from collections.abc import Mapping

import sqlalchemy
from sqlalchemy import orm

from masakari import exception
from masakari.db import clocks, notifications, query, tables, turns
from masakari.db import session as sessions
from masakari.domain import model

_COLUMNS = query.columns(tables.Segment)

#: Rows that are older than the column have NULL and are enabled.
_FILTERS: Mapping[str, query.Column] = {
    "recovery_method": _COLUMNS.recovery_method,
    "service_type": _COLUMNS.service_type,
    "enabled": sqlalchemy.func.coalesce(_COLUMNS.enabled, sqlalchemy.true()),
}


def create(session: orm.Session, segment: model.Segment) -> model.Segment:
    """Add a segment.

    One that is there by its uuid was added by an earlier commit, whose
    answer was lost.

    :param segment: with a uuid of its own
    :raises SegmentExists: a live one has the name
    """
    there = _find(session, segment.uuid)
    if there is not None:
        return to_domain(there)
    row = tables.Segment(
        uuid=segment.uuid,
        name=segment.name,
        recovery_method=segment.recovery_method.value,
        service_type=segment.service_type,
        description=segment.description,
        enabled=segment.enabled,
        created_at=clocks.now(session),
        deleted=0,
    )
    session.add(row)
    sessions.flush(session, exception.SegmentExists(name=segment.name))
    return to_domain(row)


def get(session: orm.Session, uuid: str) -> model.Segment:
    """The live segment.

    :raises SegmentNotFound: there is none
    """
    return to_domain(_row(session, uuid))


def select(
    session: orm.Session,
    filters: Mapping[str, str | bool | None],
    page: query.Page,
) -> list[model.Segment]:
    """Live segments.

    :param filters: of ``recovery_method``, ``service_type`` and ``enabled``;
        None is no filter
    :raises InvalidInput: the page is not valid
    """
    statement = sqlalchemy.select(tables.Segment).where(
        query.live(tables.Segment), *query.conditions(_FILTERS, filters)
    )
    rows = query.page(session, statement, tables.Segment, page)
    return [to_domain(row) for (row,) in rows]


def update(
    session: orm.Session, uuid: str, **values: str | bool | None
) -> model.Segment:
    """Set columns; an unchanged value is fine.

    :raises SegmentNotFound: there is none
    :raises SegmentExists: another live one has the name
    """
    row = _row(session, uuid)
    for column, value in values.items():
        setattr(row, _COLUMNS[column].key, value)
    row.updated_at = clocks.now(session)
    sessions.flush(session, exception.SegmentExists(name=row.name))
    return to_domain(row)


def delete(session: orm.Session, uuid: str) -> None:
    """Hide the segment and its hosts; their names are free again.

    In a transaction that began with their turns.

    :raises SegmentNotFound: there is none
    """
    row = _row(session, uuid)
    now = clocks.now(session)
    row.deleted, row.deleted_at = row.id, now
    hosts = tables.Host
    session.execute(
        sqlalchemy.update(hosts)
        .where(query.live(hosts), hosts.failover_segment_id == row.uuid)
        .values(deleted=hosts.id, deleted_at=now)
        .execution_options(synchronize_session=False)
    )


def is_there(session: orm.Session, uuid: str) -> bool:
    """Whether the segment is live."""
    return _find(session, uuid) is not None


def locked(session: orm.Session, uuid: str) -> tables.Segment:
    """The row of a live segment, which stays live until the commit.

    :raises SegmentNotFound: there is none
    """
    turns.take(session, uuid)
    return _row(session, uuid)


def under_recovery(
    session: orm.Session, uuid: str, host_uuid: str | None = None
) -> model.Unfinished | None:
    """What is left to do for live hosts of the segment; None for nothing.

    Who changes something as there is none needs the turn of it before.

    :param host_uuid: of the only one that matters to who asks; then what
        waits for another one, be it in ``error`` or ``new`` again, does not
        count: who makes room for it must be able to

    An instance that waits for nova-compute of its host may do so for long,
    and nothing is being done for it.
    """
    hosts, table = tables.Host, tables.Notification
    recovery = tables.Recovery
    new = table.status == model.NotificationStatus.NEW.value
    waits = sqlalchemy.or_(
        table.status == model.NotificationStatus.ERROR.value,
        new & recovery.waiting_for.is_not(None),
    )
    counts: sqlalchemy.ColumnElement[bool] = sqlalchemy.true()
    if host_uuid is not None:
        counts = sqlalchemy.or_(~waits, table.source_host_uuid == host_uuid)
    row = session.execute(
        sqlalchemy.select(table, hosts.name)
        .join(hosts, hosts.uuid == table.source_host_uuid)
        .outerjoin(
            recovery, recovery.notification_uuid == table.notification_uuid
        )
        .where(
            query.live(hosts),
            query.live(table),
            sqlalchemy.or_(
                ~new,
                recovery.waiting_for.is_distinct_from("compute"),
            ),
            query.equal(query.columns(hosts).failover_segment_id, uuid),
            table.status.in_([status.value for status in model.UNFINISHED]),
            counts,
        )
        .order_by(table.id)
        .limit(1)
    ).first()
    if row is None:
        return None
    return model.Unfinished(
        notification=notifications.to_domain(row[0]), host_name=row[1]
    )


def to_domain(row: tables.Segment) -> model.Segment:
    """The record of a row."""
    return model.Segment(
        **query.record(row),
        uuid=row.uuid,
        name=row.name,
        service_type=row.service_type,
        recovery_method=model.RecoveryMethod(row.recovery_method),
        enabled=row.enabled is not False,
        description=row.description,
    )


def _row(session: orm.Session, uuid: str) -> tables.Segment:
    row = _find(session, uuid)
    if row is None:
        raise exception.SegmentNotFound(uuid=uuid)
    return row


def _find(session: orm.Session, uuid: str) -> tables.Segment | None:
    statement = sqlalchemy.select(tables.Segment).where(
        query.live(tables.Segment), query.equal(_COLUMNS.uuid, uuid)
    )
    return session.scalars(statement).one_or_none()
