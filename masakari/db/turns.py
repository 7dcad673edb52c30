# SPDX-License-Identifier: Apache-2.0
"""Transactions about one thing that have to come one by one.

Each writes to the same row. What a transaction has only read or locked is
unknown to the other nodes of a Galera cluster; of two that have written to a
row the second is refused at its commit, and runs again.

Whoever reports a failure of a host, or changes the host, takes its turn. Who
changes a segment takes the segment's and then those of all its hosts, so that
many hosts of a segment may fail at once and none waits for another.

Turns come before the first read of a transaction: where it keeps seeing what
its first read saw, it would not see what was done before its turn came.
"""

from typing import Any

import sqlalchemy
from sqlalchemy import orm
from sqlalchemy.dialects import mysql, postgresql, sqlite

from masakari.db import query, tables


def take(session: orm.Session, uuid: str) -> None:
    """Keep others who do the same off the thing, until the commit.

    :param uuid: of something that is, or was, in the database
    """
    insert = _insert(session).values(source_host_uuid=uuid, accepted=1)
    session.execute(_counting(session, insert))


def take_segment(session: orm.Session, uuid: str) -> None:
    """Keep others off the segment and all its hosts, until the commit.

    :param uuid: of a segment that is, or was, in the database
    """
    take(session, uuid)
    hosts = tables.Host
    # Who else takes several takes them in this order; nobody adds a host
    # without the turn of the segment.
    uuids = (
        sqlalchemy.select(hosts.uuid, sqlalchemy.literal(1))
        .where(hosts.failover_segment_id == uuid, query.live(hosts))
        .order_by(hosts.uuid)
    )
    insert = _insert(session).from_select(
        ["source_host_uuid", "accepted"], uuids
    )
    session.execute(_counting(session, insert))


def note_lifting(session: orm.Session, host_uuid: str) -> None:
    """Say that the maintenance of a host is lifted now, in its turn."""
    reported = (
        sqlalchemy.select(sqlalchemy.func.max(tables.Notification.id))
        .where(tables.Notification.source_host_uuid == host_uuid)
        .scalar_subquery()
    )
    session.execute(
        sqlalchemy.update(tables.HostIntake)
        .where(tables.HostIntake.source_host_uuid == host_uuid)
        .values(lifted_after=reported)
    )


def lifted_after(session: orm.Session, host_uuid: str) -> int | None:
    """The last report before the host's maintenance was lifted last."""
    return session.scalar(
        sqlalchemy.select(tables.HostIntake.lifted_after).where(
            tables.HostIntake.source_host_uuid == host_uuid
        )
    )


def _insert(session: orm.Session) -> Any:
    match session.get_bind().dialect.name:
        case "postgresql":
            return postgresql.insert(tables.HostIntake)
        case "sqlite":
            return sqlite.insert(tables.HostIntake)
        case _:
            return mysql.insert(tables.HostIntake)


def _counting(session: orm.Session, insert: Any) -> sqlalchemy.Executable:
    """One row that is there already is written to all the same."""
    table = tables.HostIntake
    more = {"accepted": table.accepted + 1}
    counting: sqlalchemy.Executable
    if session.get_bind().dialect.name in ("postgresql", "sqlite"):
        counting = insert.on_conflict_do_update(
            index_elements=[table.source_host_uuid], set_=more
        )
    else:
        counting = insert.on_duplicate_key_update(more)
    return counting
