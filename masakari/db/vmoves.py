# SPDX-License-Identifier: Apache-2.0
"""The moves of instances, as they are shown.

The engine writes them through :mod:`masakari.db.moves`.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari import exception
from masakari.db import query, tables
from masakari.domain import model

_COLUMNS = query.columns(tables.VMove)

_FILTERS: Mapping[str, query.Column] = {
    "status": _COLUMNS.status,
    "type": _COLUMNS.type,
}


def get(
    session: orm.Session, notification_uuid: str, uuid: str
) -> model.VMove:
    """A move of a notification.

    :raises VMoveNotFound: there is none, or it is another notification's
    """
    row = session.scalars(
        _of(notification_uuid).where(query.equal(_COLUMNS.uuid, uuid))
    ).one_or_none()
    if row is None:
        raise exception.VMoveNotFound(uuid=uuid)
    return to_domain(row)


def select(
    session: orm.Session,
    notification_uuid: str,
    filters: Mapping[str, str | None],
    page: query.Page,
) -> list[model.VMove]:
    """The moves of a notification.

    :param filters: of ``status`` and ``type``; None is no filter
    :raises InvalidInput: the page is not valid
    """
    statement = _of(notification_uuid).where(
        *query.conditions(_FILTERS, filters)
    )
    rows = query.page(session, statement, tables.VMove, page)
    return [to_domain(row) for (row,) in rows]


def to_domain(row: tables.VMove) -> model.VMove:
    """The record of a row."""
    return model.VMove(
        **query.record(row),
        uuid=row.uuid,
        notification_uuid=row.notification_uuid,
        instance_uuid=row.instance_uuid,
        instance_name=row.instance_name,
        source_host=row.source_host,
        dest_host=row.dest_host,
        start_time=row.start_time,
        end_time=row.end_time,
        type=None if row.type is None else model.VMoveType(row.type),
        status=None if row.status is None else model.VMoveStatus(row.status),
        message=row.message,
    )


def _of(notification_uuid: str) -> sqlalchemy.Select[Any]:
    return sqlalchemy.select(tables.VMove).where(
        query.live(tables.VMove),
        query.equal(_COLUMNS.notification_uuid, notification_uuid),
    )
