# SPDX-License-Identifier: Apache-2.0
"""Which engines there are, by their heartbeats.

For people to look at: who may work on what is decided by the claims alone.
A heartbeat is a lease in the database server's time, as a claim is.
"""

import dataclasses

import sqlalchemy
from sqlalchemy import orm

from masakari.db import clocks, query, tables
from masakari.domain import model

#: How long (seconds) an engine is remembered whose heart has stopped.
MEMORY = 86400


def beat(
    session: orm.Session,
    identity: model.Identity,
    *,
    lease: float,
    stopping: bool,
    trouble: str | None = None,
) -> None:
    """Say that the engine lives; who has been dead for long is forgotten.

    :param lease: seconds until it counts as down without another beat
    :param trouble: why it takes up nothing
    """
    until = clocks.now_ms() + int(lease * 1000)
    renewed = query.changed(
        session,
        sqlalchemy.update(tables.Engine)
        .where(tables.Engine.name == identity.name)
        .values(expires_at=until, stopping=stopping, trouble=trouble),
    )
    if renewed == 0:
        session.execute(
            sqlalchemy.insert(tables.Engine).values(
                **dataclasses.asdict(identity),
                expires_at=until,
                stopping=stopping,
                trouble=trouble,
            )
        )
    _forget_the_dead(session)


def leave(session: orm.Session, name: str) -> None:
    """The engine has come to its end."""
    session.execute(
        sqlalchemy.delete(tables.Engine).where(tables.Engine.name == name)
    )


def select(session: orm.Session) -> list[model.Engine]:
    """All engines, by host and start."""
    table = tables.Engine
    rows = session.execute(
        sqlalchemy.select(table, table.expires_at - clocks.now_ms()).order_by(
            table.host, table.started_at, table.name
        )
    )
    return [
        model.Engine(
            name=row.name,
            host=row.host,
            version=row.version,
            started_at=row.started_at,
            lease_left=left / 1000,
            stopping=row.stopping,
            trouble=row.trouble,
        )
        for row, left in rows
    ]


def _forget_the_dead(session: orm.Session) -> None:
    """Look for them first: a search that deletes locks what it passes."""
    table = tables.Engine
    long_ago = table.expires_at < clocks.now_ms() - MEMORY * 1000
    names = session.scalars(
        sqlalchemy.select(table.name).where(long_ago)
    ).all()
    if names:
        session.execute(
            sqlalchemy.delete(table).where(table.name.in_(names), long_ago)
        )
