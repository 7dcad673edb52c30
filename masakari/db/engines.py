# SPDX-License-Identifier: Apache-2.0
"""Which engines there are, by their heartbeats.

For people to look at: who may work on what is decided by the claims alone.
A heartbeat is a lease in the database server's time, as a claim is.
"""

import dataclasses
import typing
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from masakari.db.session import now_ms
from masakari.db.tables import Engine as Row
from masakari.domain.model import Engine, Identity

#: How long (seconds) an engine is remembered whose heart has stopped.
MEMORY = 86400


def beat(
    session: orm.Session,
    identity: Identity,
    *,
    lease: float,
    stopping: bool,
) -> None:
    """Say that the engine lives; who has been dead for long is forgotten.

    :param lease: seconds until it counts as down without another beat
    """
    until = now_ms(session) + int(lease * 1000)
    renewed = typing.cast(
        "sa.CursorResult[Any]",
        session.execute(
            sa.update(Row)
            .where(Row.name == identity.name)
            .values(expires_at=until, stopping=stopping)
        ),
    )
    if renewed.rowcount == 0:
        session.execute(
            sa.insert(Row).values(
                **dataclasses.asdict(identity),
                expires_at=until,
                stopping=stopping,
            )
        )
    _forget_the_dead(session)


def leave(session: orm.Session, name: str) -> None:
    """The engine has come to its end."""
    session.execute(sa.delete(Row).where(Row.name == name))


def select(session: orm.Session) -> list[Engine]:
    """All engines, by host and start."""
    rows = session.execute(
        sa.select(Row, Row.expires_at - now_ms(session)).order_by(
            Row.host, Row.started_at, Row.name
        )
    )
    return [
        Engine(
            name=row.name,
            host=row.host,
            version=row.version,
            started_at=row.started_at,
            lease_left=left / 1000,
            stopping=row.stopping,
        )
        for row, left in rows
    ]


def _forget_the_dead(session: orm.Session) -> None:
    """Look for them first: a search that deletes locks what it passes."""
    long_ago = Row.expires_at < now_ms(session) - MEMORY * 1000
    names = session.scalars(sa.select(Row.name).where(long_ago)).all()
    if names:
        session.execute(sa.delete(Row).where(Row.name.in_(names), long_ago))
