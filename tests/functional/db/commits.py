# SPDX-License-Identifier: Apache-2.0
"""Commits that fail as drivers report it, for databases to be tested with."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from masakari.db.session import Database

#: What becomes of the transaction whose commit fails.
REFUSED, DONE = "refused", "done"


class Commits:
    """The commits of a database, some of which fail.

    :param error: makes what the driver raises
    """

    def __init__(
        self, database: Database, error: Callable[[], Exception] | None = None
    ) -> None:
        self._dialect: Any = database.engine.dialect
        self._commit = self._dialect.do_commit
        self._error = error or default_error(self._dialect.name)
        self._plan: Iterator[str | None] = iter(())
        self.failed = 0
        self._dialect.do_commit = self._do_commit

    def fail(self, plan: Iterator[str | None]) -> None:
        """Say what becomes of the next commits; None is nothing unusual."""
        self._plan = plan
        self.failed = 0

    def heal(self) -> None:
        self._dialect.do_commit = self._commit

    def _do_commit(self, connection: Any) -> None:
        fate = next(self._plan, None)
        if fate == REFUSED:
            self._dialect.do_rollback(connection)
        else:
            self._commit(connection)
        if fate is not None:
            self.failed += 1
            raise self._error()


def default_error(dialect: str) -> Callable[[], Exception]:
    """What a commit ends with that may or may not have been done."""

    def lost() -> Exception:
        if dialect == "sqlite":
            return sqlite3.OperationalError("database is locked")
        if dialect == "postgresql":
            import psycopg2

            return psycopg2.OperationalError(
                "server closed the connection unexpectedly"
            )
        import pymysql

        return pymysql.err.OperationalError(
            2013, "Lost connection to MySQL server during query"
        )

    return lost
