# SPDX-License-Identifier: Apache-2.0
"""The two clocks of a database.

Rows are dated by the clock of the process, in whole seconds. Leases are
compared by the clock of the server, in milliseconds.
"""

import datetime
from collections.abc import Callable
from typing import Any

import sqlalchemy
from sqlalchemy import orm
from sqlalchemy.ext import compiler
from sqlalchemy.sql import expression

#: Naive UTC.
Clock = Callable[[], datetime.datetime]

#: What SQLite knows :func:`milliseconds` by.
SQLITE_FUNCTION = "masakari_now_ms"

_EPOCH = datetime.datetime(1970, 1, 1)


def utc_now() -> datetime.datetime:
    """The time of this machine: naive UTC."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def now(session: orm.Session) -> datetime.datetime:
    """The time of the database's clock: naive UTC, whole seconds."""
    clock: Clock = session.info["clock"]
    return clock().replace(microsecond=0)


def now_ms() -> sqlalchemy.ColumnElement[int]:
    """In SQL: milliseconds since the epoch, by the server's own clock.

    All engines compare leases by this clock, so that theirs do not matter.
    With SQLite, where there is no server, it is the database's clock.
    """
    return _Milliseconds()


def server_now(session: orm.Session) -> datetime.datetime:
    """The same as a time: naive UTC."""
    elapsed = session.scalar(sqlalchemy.select(now_ms()))
    return _EPOCH + datetime.timedelta(milliseconds=elapsed or 0)


def milliseconds(clock: Clock) -> int:
    """The time since the epoch, for SQLite, which has no clock to trust."""
    return (clock() - _EPOCH) // datetime.timedelta(milliseconds=1)


class _Milliseconds(expression.FunctionElement[int]):
    type = sqlalchemy.BigInteger()
    inherit_cache = True


@compiler.compiles(_Milliseconds, "sqlite")
def _sqlite(*_args: Any, **_kwargs: Any) -> str:
    return f"{SQLITE_FUNCTION}()"


@compiler.compiles(_Milliseconds, "postgresql")
def _postgresql(*_args: Any, **_kwargs: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiler.compiles(_Milliseconds, "mysql")
@compiler.compiles(_Milliseconds, "mariadb")
def _mysql(*_args: Any, **_kwargs: Any) -> str:
    # UNIX_TIMESTAMP() would go through the session's time zone, where an
    # hour of the year is there twice.
    return (
        "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)"
    )
