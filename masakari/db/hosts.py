# SPDX-License-Identifier: Apache-2.0
"""Compute hosts, each with its segment."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari import exception
from masakari.db import clocks, query, segments, tables, turns
from masakari.db import session as sessions
from masakari.domain import model

_COLUMNS = query.columns(tables.Host)

_FILTERS: Mapping[str, query.Column] = {
    "name": _COLUMNS.name,
    "type": _COLUMNS.type,
    "control_attributes": _COLUMNS.control_attributes,
    "reserved": sqlalchemy.func.coalesce(
        _COLUMNS.reserved, sqlalchemy.false()
    ),
    "on_maintenance": sqlalchemy.func.coalesce(
        _COLUMNS.on_maintenance, sqlalchemy.false()
    ),
}

_Pair = tuple[tables.Host, tables.Segment]


def create(session: orm.Session, host: model.Host) -> model.Host:
    """Add a host to its segment.

    One that is there by its uuid was added by an earlier commit, whose
    answer was lost.

    :param host: with a uuid of its own
    :raises SegmentNotFound: its segment is not live
    :raises HostExists: a live host of any segment has the name
    """
    segment = segments.locked(session, host.segment.uuid)
    there = _find(session, query.equal(_COLUMNS.uuid, host.uuid))
    if there is not None:
        return to_domain(*there)
    row = tables.Host(
        uuid=host.uuid,
        name=host.name,
        type=host.type,
        control_attributes=host.control_attributes,
        reserved=host.reserved,
        on_maintenance=host.on_maintenance,
        failover_segment_id=segment.uuid,
        created_at=clocks.now(session),
        deleted=0,
    )
    session.add(row)
    sessions.flush(session, exception.HostExists(name=host.name))
    return to_domain(row, segment)


def get(session: orm.Session, uuid: str) -> model.Host:
    """The live host.

    :raises HostNotFound: there is none
    """
    return to_domain(*_pair(session, uuid))


def get_in_segment(
    session: orm.Session, segment_uuid: str, uuid: str
) -> model.Host:
    """The live host, if it is one of the segment.

    :raises HostNotFoundInSegment: it is not
    """
    pair = _find(
        session,
        query.equal(_COLUMNS.uuid, uuid),
        query.equal(_COLUMNS.failover_segment_id, segment_uuid),
    )
    if pair is None:
        raise exception.HostNotFoundInSegment(host=uuid, segment=segment_uuid)
    return to_domain(*pair)


def is_there(session: orm.Session, uuid: str) -> bool:
    """Whether the host is live."""
    return _find(session, query.equal(_COLUMNS.uuid, uuid)) is not None


def by_name(session: orm.Session, name: str) -> model.Host | None:
    """The live host of the name, in whatever segment."""
    pair = _find(session, query.equal(_COLUMNS.name, name))
    return None if pair is None else to_domain(*pair)


def has_been(session: orm.Session, name: str) -> bool:
    """Whether there is a host of the name, or a trace of a deleted one."""
    found = session.scalar(
        sqlalchemy.select(tables.Host.id)
        .where(query.equal(_COLUMNS.name, name))
        .limit(1)
    )
    return found is not None


def select(
    session: orm.Session,
    segment_uuid: str,
    filters: Mapping[str, str | bool | None],
    page: query.Page,
) -> list[model.Host]:
    """Live hosts of a segment; none when there is no such segment.

    :param filters: of ``name``, ``type``, ``control_attributes``,
        ``reserved`` and ``on_maintenance``; None is no filter
    :raises InvalidInput: the page is not valid
    """
    statement = pairs().where(
        query.equal(_COLUMNS.failover_segment_id, segment_uuid),
        *query.conditions(_FILTERS, filters),
    )
    rows = query.page(session, statement, tables.Host, page)
    return [to_domain(host, segment) for host, segment in rows]


def update(
    session: orm.Session, uuid: str, **values: str | bool
) -> model.Host:
    """Set columns; an unchanged value is fine.

    Who lifts its maintenance has the host's turn.

    :raises HostNotFound: there is none
    :raises HostExists: another live one has the name
    """
    row, segment = _pair(session, uuid)
    if row.on_maintenance and not values.get("on_maintenance", True):
        turns.note_lifting(session, uuid)
    for column, value in values.items():
        setattr(row, _COLUMNS[column].key, value)
    row.updated_at = clocks.now(session)
    sessions.flush(session, exception.HostExists(name=row.name))
    return to_domain(row, segment)


def delete(session: orm.Session, uuid: str) -> None:
    """Hide the host; its name is free again.

    :raises HostNotFound: there is none
    """
    row, _segment = _pair(session, uuid)
    row.deleted, row.deleted_at = row.id, clocks.now(session)
    session.flush()


def pairs() -> Any:
    """Rows of live hosts, each beside that of its segment."""
    return (
        sqlalchemy.select(tables.Host, tables.Segment)
        .join(
            tables.Segment,
            tables.Segment.uuid == tables.Host.failover_segment_id,
        )
        .where(query.live(tables.Host))
    )


def to_domain(row: tables.Host, segment: tables.Segment) -> model.Host:
    """The record of a row."""
    return model.Host(
        **query.record(row),
        uuid=row.uuid,
        name=row.name,
        type=row.type,
        control_attributes=row.control_attributes,
        reserved=bool(row.reserved),
        on_maintenance=bool(row.on_maintenance),
        segment=segments.to_domain(segment),
    )


def _pair(session: orm.Session, uuid: str) -> _Pair:
    pair = _find(session, query.equal(_COLUMNS.uuid, uuid))
    if pair is None:
        raise exception.HostNotFound(uuid=uuid)
    return pair


def _find(session: orm.Session, *conditions: query.Column) -> _Pair | None:
    row = session.execute(pairs().where(*conditions)).one_or_none()
    return None if row is None else (row[0], row[1])
