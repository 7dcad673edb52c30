# SPDX-License-Identifier: Apache-2.0
"""What TaskFlow has recorded of a recovery, for people to look at.

The tables are TaskFlow's; every release of Masakari keeps one logbook for a
notification in them, under the notification's uuid.
"""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy
from oslo_config import cfg
from sqlalchemy import orm

from masakari import exception
from masakari.conf import needs
from masakari.db import connections, query
from masakari.db import session as sessions
from masakari.domain import model

#: What the logbooks of Masakari are called, in every release.
NAMES = ("instance:evacuate", "instance:recovery", "process:recovery")

#: Under which a flow's record has the name of the engine that runs it.
ENGINE = "engine"

_FAILURE = "FAILURE"

#: TaskFlow's states of tasks that have come to an end.
_ENDED = frozenset({"SUCCESS", _FAILURE, "REVERTED", "REVERT_FAILURE"})

_LOGBOOKS = sqlalchemy.table(
    "logbooks",
    sqlalchemy.column("uuid", sqlalchemy.String),
    sqlalchemy.column("name", sqlalchemy.String),
    sqlalchemy.column("created_at", sqlalchemy.DateTime),
)
_FLOWS = sqlalchemy.table(
    "flowdetails",
    sqlalchemy.column("uuid", sqlalchemy.String),
    sqlalchemy.column("parent_uuid", sqlalchemy.String),
    sqlalchemy.column("meta", sqlalchemy.JSON),
)
_ATOMS = sqlalchemy.table(
    "atomdetails",
    sqlalchemy.column("parent_uuid", sqlalchemy.String),
    sqlalchemy.column("name", sqlalchemy.String),
    sqlalchemy.column("state", sqlalchemy.String),
    sqlalchemy.column("meta", sqlalchemy.JSON),
)


def url(conf: cfg.ConfigOpts) -> str:
    """Where TaskFlow's tables are, as an SQLAlchemy URL."""
    found: str = needs.value(conf, "connection", "taskflow") or needs.value(
        conf, "connection", "database"
    )
    return found


def database(
    conf: cfg.ConfigOpts, masakari: sessions.Database
) -> sessions.Database:
    """The database of TaskFlow's tables.

    :param masakari: Masakari's own, which it is unless the configuration
        says otherwise
    """
    elsewhere = url(conf)
    if elsewhere == conf.database.connection:
        return masakari
    return sessions.Database.from_conf(conf, url=elsewhere)


def of_notification(
    session: orm.Session, uuid: str, status: str | None = None
) -> list[model.TaskProgress]:
    """The tasks that have told of progress, in the order they began.

    What an engine was at when it was killed has failed: whoever goes on
    from there runs tasks of its own.

    :param session: one of the database of ``[taskflow] connection``; tables
        that are not there hold nothing
    :param status: of the notification; None when it is not known
    """
    if not _there(session):
        return []
    rows = session.execute(
        sqlalchemy.select(
            _FLOWS.c.uuid,
            _ATOMS.c.name,
            _ATOMS.c.state,
            _ATOMS.c.meta,
            _FLOWS.c.meta,
        )
        .join(_FLOWS, _FLOWS.c.uuid == _ATOMS.c.parent_uuid)
        .where(query.equal(_FLOWS.c.parent_uuid, uuid))
    )
    told = [
        (flow, task)
        for flow, name, state, meta, of_flow in rows
        if (task := _task(name, state, meta, of_flow)).entries
    ]
    # Where times are kept in whole seconds the rows' own do not tell.
    told.sort(key=lambda one: one[1].entries[0].timestamp)
    going_on = status in (None, model.NotificationStatus.RUNNING)
    live = told[-1][0] if told and going_on else None
    return [
        task if flow == live or task.state in _ENDED else _cut_short(task)
        for flow, task in told
    ]


def _cut_short(task: model.TaskProgress) -> model.TaskProgress:
    return dataclasses.replace(task, state=_FAILURE)


def logbooks(
    session: orm.Session, before: datetime.datetime, after: str, limit: int
) -> list[str]:
    """The uuids of Masakari's logbooks, in their order.

    :param before: only those begun before it, naive UTC
    :param after: only uuids greater than this one
    """
    if not _there(session):
        return []
    return list(
        session.scalars(
            sqlalchemy.select(_LOGBOOKS.c.uuid)
            .where(
                _LOGBOOKS.c.name.in_(NAMES),
                _LOGBOOKS.c.created_at < before,
                _LOGBOOKS.c.uuid > after,
            )
            .order_by(_LOGBOOKS.c.uuid)
            .limit(limit)
        )
    )


def delete(session: orm.Session, uuids: Sequence[str]) -> None:
    """Remove logbooks with all that they hold."""
    flows = sqlalchemy.select(_FLOWS.c.uuid).where(
        _FLOWS.c.parent_uuid.in_(uuids)
    )
    for statement in (
        sqlalchemy.delete(_ATOMS).where(_ATOMS.c.parent_uuid.in_(flows)),
        sqlalchemy.delete(_FLOWS).where(_FLOWS.c.parent_uuid.in_(uuids)),
        sqlalchemy.delete(_LOGBOOKS).where(_LOGBOOKS.c.uuid.in_(uuids)),
    ):
        session.execute(statement)


def backend(conf: cfg.ConfigOpts) -> Any:
    """TaskFlow's persistence back end.

    As of Masakari's own database, nobody waits for it for ever, and a
    process that stands still leaves no transaction open.
    """
    # Reading does without TaskFlow, and the API, which reads, starts sooner.
    from taskflow.persistence import backends

    found = backends.fetch({"connection": _bounded(url(conf))})
    # Those without a database have no engine.
    engine = getattr(found, "engine", None)
    if engine is not None:
        connections.end_idle_transactions(engine, connections.ANSWER_WITHIN)
        connections.leave_who_only_reads(engine)
    return found


def _bounded(connection: str) -> str:
    return _changed(
        connection,
        lambda url: connections.bounded(
            connections.to_the_writer(url), connections.ANSWER_WITHIN
        ),
    )


def _changed(
    connection: str, change: Callable[[sqlalchemy.URL], sqlalchemy.URL]
) -> str:
    given = sqlalchemy.make_url(connection)
    changed = change(given)
    if changed == given:
        return connection
    return changed.render_as_string(hide_password=False)


def create_tables(connection: str) -> None:
    """Create or upgrade TaskFlow's tables.

    :param connection: an SQLAlchemy URL
    :raises ServiceUnavailable: the database is away
    """
    from taskflow import exceptions as taskflow_exception
    from taskflow.persistence import backends

    there = _changed(connection, connections.to_the_writer)
    try:
        with (
            contextlib.closing(
                backends.fetch({"connection": there})
            ) as backend,
            contextlib.closing(backend.get_connection()) as opened,
        ):
            opened.upgrade()
    except (
        taskflow_exception.TaskFlowException,
        sqlalchemy.exc.SQLAlchemyError,
    ) as error:
        raise exception.ServiceUnavailable(
            f"TaskFlow's tables cannot be created: {error}"
        ) from error


def _there(session: orm.Session) -> bool:
    return sqlalchemy.inspect(session.connection()).has_table("atomdetails")


def _task(
    name: str | None, state: str | None, meta: Any, of_flow: Any
) -> model.TaskProgress:
    known: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
    run: Mapping[str, Any] = of_flow if isinstance(of_flow, dict) else {}
    return model.TaskProgress(
        name=name or "",
        progress=float(known.get("progress") or 0.0),
        state=state or "",
        entries=tuple(_entries(known)),
        engine=run.get(ENGINE),
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
