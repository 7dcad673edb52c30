# SPDX-License-Identifier: Apache-2.0
"""Transactions about one thing that have to come one by one.

Each writes to the same row. What a transaction has only read or locked is
unknown to the other nodes of a Galera cluster; of two that have written to a
row the second is refused at its commit, and runs again.
"""

import sqlalchemy
from sqlalchemy import orm
from sqlalchemy.dialects import mysql, postgresql, sqlite

from masakari.db import tables


def take(session: orm.Session, uuid: str) -> None:
    """Keep others who do the same off the thing, until the commit.

    As the first statement of a transaction it lets those after it see what
    others have done before.
    """
    session.execute(_count_one(session, uuid))


def _count_one(session: orm.Session, uuid: str) -> sqlalchemy.Executable:
    table = tables.HostIntake
    first = {"source_host_uuid": uuid, "accepted": 1}
    more = {"accepted": table.accepted + 1}
    statement: sqlalchemy.Executable
    match session.get_bind().dialect.name:
        case "postgresql":
            statement = (
                postgresql.insert(table)
                .values(first)
                .on_conflict_do_update(
                    index_elements=[table.source_host_uuid], set_=more
                )
            )
        case "sqlite":
            statement = (
                sqlite.insert(table)
                .values(first)
                .on_conflict_do_update(
                    index_elements=[table.source_host_uuid], set_=more
                )
            )
        case _:
            statement = (
                mysql.insert(table).values(first).on_duplicate_key_update(more)
            )
    return statement
