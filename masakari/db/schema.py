# SPDX-License-Identifier: Apache-2.0
"""The schema: created or upgraded, step by step from what is there.

A database of a release that used sqlalchemy-migrate is taken over at its
last two versions.
"""

import os
import pathlib
from typing import Any

import sqlalchemy
from alembic import command, config, script
from alembic.util import exc as alembic_exception

from masakari import exception
from masakari.db import session, tables

_VERSION_TABLE = "masakari_alembic_version"

#: How Alembic is used here, beside a connection and the tables.
CONTEXT_OPTIONS: dict[str, Any] = {
    "version_table": _VERSION_TABLE,
    "render_as_batch": True,
    "include_name": lambda name, kind, _parents: (
        kind != "table" or name in tables.Base.metadata.tables
    ),
}

#: Treat a sqlalchemy-migrate version that is not known as the last one.
FORCE = "FORCE_MASAKARI_DB_SYNC"

_LEGACY_REVISIONS = {7: "8f848eb45d03", 8: "8bdf5929c5a6"}
_LAST_LEGACY = max(_LEGACY_REVISIONS)


def create_all(database: session.Database) -> None:
    """Create all tables of an empty database, as :func:`sync` would."""
    with database.transaction() as connection:
        tables.Base.metadata.create_all(connection)
        command.stamp(_config(connection), "head")


def sync(database: session.Database, revision: str | None = None) -> None:
    """Upgrade the schema; one that is there already is left as it is.

    :param revision: where to stop; None is the newest one
    :raises InvalidInput: there is no such revision, or the database is at a
        version from which no upgrade is known
    :raises ServiceUnavailable: the database is away
    """
    target = _checked(revision)
    with database.transaction() as connection:
        if _current(connection) is None:
            _adopt(connection)
        try:
            command.upgrade(_config(connection), target)
        except alembic_exception.CommandError as error:
            raise exception.InvalidInput(reason=str(error)) from error


def version(database: session.Database) -> str | None:
    """The revision that the database is at; None before the first."""
    if database.unmade is not None:
        return None
    with database.transaction() as connection:
        return _current(connection)


def check(database: session.Database) -> None:
    """Look whether the tables are there, before they are needed.

    What a later release has added is no obstacle.

    :raises ConfigurationError: there are none, or of an earlier release only
    :raises ServiceUnavailable: the database is away
    """
    if database.unmade is not None:
        raise exception.ConfigurationError(
            f"There is no database yet, {database.unmade} is not there: run "
            "masakari-manage db sync."
        )
    with database.transaction() as connection:
        missing = _missing(connection)
    if missing:
        raise exception.ConfigurationError(
            "The database is not of this release, it lacks "
            f"{', '.join(sorted(missing))}: run masakari-manage db sync."
        )


def is_newest(database: session.Database) -> bool:
    """Whether :func:`sync` would have nothing to do.

    A revision that is not known here is one of a later release.

    :raises ServiceUnavailable: the database is away
    """
    scripts = script.ScriptDirectory.from_config(_config(None))
    revision = version(database)
    if revision is None or revision == scripts.get_current_head():
        return revision is not None
    return revision not in {one.revision for one in scripts.walk_revisions()}


def _missing(connection: sqlalchemy.Connection) -> list[str]:
    """Tables, and columns as ``table.column``, that are not there."""
    wanted = tables.Base.metadata.tables
    found = sqlalchemy.inspect(connection).get_multi_columns(
        filter_names=list(wanted)
    )
    there = {
        name: {column["name"] for column in columns}
        for (_schema, name), columns in found.items()
    }
    return [name for name in wanted if name not in there] + [
        f"{name}.{column.name}"
        for name in wanted
        for column in wanted[name].columns
        if name in there and column.name not in there[name]
    ]


def _config(connection: sqlalchemy.Connection | None) -> config.Config:
    alembic = config.Config()
    scripts = pathlib.Path(__file__).parent / "migrations"
    alembic.set_main_option("script_location", str(scripts).replace("%", "%%"))
    alembic.attributes["connection"] = connection
    return alembic


def _checked(revision: str | None) -> str:
    if revision is None:
        return "head"
    if revision.isdecimal():
        raise exception.InvalidInput(
            "You requested an sqlalchemy-migrate database version; this is "
            "no longer supported"
        )
    known = script.ScriptDirectory.from_config(_config(None))
    names = {"head", *(one.revision for one in known.walk_revisions())}
    if revision not in names:
        raise exception.InvalidInput(reason=f"no revision {revision}")
    return revision


def _current(connection: sqlalchemy.Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table(_VERSION_TABLE):
        return None
    column: sqlalchemy.ColumnClause[str] = sqlalchemy.column("version_num")
    return connection.scalar(
        sqlalchemy.select(column).select_from(sqlalchemy.table(_VERSION_TABLE))
    )


def _adopt(connection: sqlalchemy.Connection) -> None:
    """Name the revision of a database without one, if it has a schema."""
    if not sqlalchemy.inspect(connection).has_table("migrate_version"):
        return
    legacy = connection.scalar(
        sqlalchemy.text("SELECT version FROM migrate_version")
    )
    if legacy is None:
        return
    if legacy < min(_LEGACY_REVISIONS):
        raise exception.InvalidInput(
            f"Your database is at version {legacy:03d}; we only support "
            "upgrading from version 007 or later. Please upgrade your "
            "database using an earlier release of Masakari and then return "
            "here."
        )
    if legacy > _LAST_LEGACY and FORCE not in os.environ:
        raise exception.InvalidInput(
            f"Your database is at version {legacy:03d}, which is newer than "
            f"{_LAST_LEGACY:03d}, the last one that is known. Set {FORCE} "
            f"to upgrade it as if it were at {_LAST_LEGACY:03d}."
        )
    revision = _LEGACY_REVISIONS[min(legacy, _LAST_LEGACY)]
    command.stamp(_config(connection), revision)
