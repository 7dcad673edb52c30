# SPDX-License-Identifier: Apache-2.0
"""What TaskFlow has recorded of a recovery, for people to look at.

The tables are TaskFlow's; every release of Masakari keeps one logbook for a
notification in them, under the notification's uuid.
"""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import orm
from taskflow.persistence import backends

from masakari.db import query
from masakari.domain import model

_FLOWS = sqlalchemy.table(
    "flowdetails",
    sqlalchemy.column("uuid", sqlalchemy.String),
    sqlalchemy.column("parent_uuid", sqlalchemy.String),
)
_ATOMS = sqlalchemy.table(
    "atomdetails",
    sqlalchemy.column("parent_uuid", sqlalchemy.String),
    sqlalchemy.column("name", sqlalchemy.String),
    sqlalchemy.column("state", sqlalchemy.String),
    sqlalchemy.column("meta", sqlalchemy.JSON),
)


def of_notification(
    session: orm.Session, uuid: str
) -> list[model.TaskProgress]:
    """The tasks that have told of progress, in the order they began.

    :param session: one of the database of ``[taskflow] connection``; tables
        that are not there hold nothing
    """
    if not sqlalchemy.inspect(session.connection()).has_table("atomdetails"):
        return []
    rows = session.execute(
        sqlalchemy.select(_ATOMS.c.name, _ATOMS.c.state, _ATOMS.c.meta)
        .join(_FLOWS, _FLOWS.c.uuid == _ATOMS.c.parent_uuid)
        .where(query.equal(_FLOWS.c.parent_uuid, uuid))
    )
    tasks = [_task(name, state, meta) for name, state, meta in rows]
    # Where times are kept in whole seconds the rows' own do not tell.
    return sorted(
        (task for task in tasks if task.entries),
        key=lambda task: task.entries[0].timestamp,
    )


def create_tables(connection: str) -> None:
    """Create or upgrade TaskFlow's tables.

    :param connection: an SQLAlchemy URL
    """
    with (
        contextlib.closing(
            backends.fetch({"connection": connection})
        ) as found,
        contextlib.closing(found.get_connection()) as opened,
    ):
        opened.upgrade()


def _task(
    name: str | None, state: str | None, meta: Any
) -> model.TaskProgress:
    known: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
    return model.TaskProgress(
        name=name or "",
        progress=float(known.get("progress") or 0.0),
        state=state or "",
        entries=tuple(_entries(known)),
    )


def _entries(meta: Mapping[str, Any]) -> Iterable[model.ProgressEntry]:
    """What third-party tasks have stored may have any shape."""
    found: Any = meta
    for key in ("progress_details", "details", "progress_details"):
        found = found.get(key) if isinstance(found, dict) else None
    for entry in found if isinstance(found, list) else []:
        if isinstance(entry, dict):
            yield model.ProgressEntry(
                timestamp=str(entry.get("timestamp", "")),
                progress=str(entry.get("progress", "")),
                message=str(entry.get("message", "")),
            )
