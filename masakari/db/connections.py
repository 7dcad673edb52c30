# SPDX-License-Identifier: Apache-2.0
"""How the database is connected to: SQLAlchemy's engines.

Making one does not connect: a database that is away is met by the first
transaction, which can answer for it.
"""

import contextlib
import functools
import inspect
import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy
from oslo_db.sqlalchemy import engines as oslo_engines
from oslo_db.sqlalchemy import exc_filters
from sqlalchemy import pool

from masakari import exception
from masakari.conf import needs
from masakari.db import clocks

#: Seconds that SQLite waits for another writer.
SQLITE_BUSY_TIMEOUT = 30

#: Seconds that a server has for an answer. Longer than a deadlock takes, and
#: shorter than a lease.
ANSWER_WITHIN = 10

#: The execution option of a connection that is going to write.
WRITER = "masakari_writer"

#: Options of ``[database]`` that say how to connect.
ENGINE_OPTIONS = frozenset(
    {
        "connection_debug",
        "connection_parameters",
        "connection_recycle_time",
        "connection_trace",
        "max_overflow",
        "max_pool_size",
        "mysql_sql_mode",
        "mysql_wsrep_sync_wait",
        "pool_timeout",
        "sqlite_synchronous",
    }
)


#: Parameters of URLs that name a file.
_FILES = ("ssl_ca", "ssl_cert", "ssl_key", "sslrootcert", "sslcert", "sslkey")

_SUPPORTED = ("mariadb", "mysql", "postgresql", "sqlite")


def check(option: str, connection: str) -> None:
    """Refuse a URL by which no database can be reached, ever.

    Nothing of the URL but its driver is told: a password that is not escaped
    may be in any other part of it.

    :param option: where it is from
    :raises ConfigurationError: it makes no sense, or needs what is not there
    """
    url = _parse(option, connection)
    if url.get_backend_name() not in _SUPPORTED:
        raise exception.ConfigurationError(
            f"{option} cannot be used: {url.get_backend_name()} is none of "
            f"{', '.join(_SUPPORTED)}."
        )
    try:
        dialect = url.get_dialect()
        if dialect.is_async:
            raise exception.ConfigurationError(
                f"{option} cannot be used: {url.drivername} is for "
                "asynchronous programs; use mysql+pymysql or "
                "postgresql+psycopg2."
            )
        dialect.import_dbapi()
    except sqlalchemy.exc.NoSuchModuleError:
        raise exception.ConfigurationError(
            f"{option} cannot be used: there is no driver {url.drivername}."
        ) from None
    except ImportError as error:
        raise needs.lacking(option, error.name or url.drivername) from error
    for name in _FILES:
        for path in url.normalized_query.get(name, ()):
            needs.file(f"{option}, {name}", path)


def _parse(option: str, connection: str) -> sqlalchemy.URL:
    with contextlib.suppress(sqlalchemy.exc.ArgumentError, ValueError):
        url = sqlalchemy.make_url(connection)
        if _is_plausible(url):
            return url
    raise exception.ConfigurationError(
        f"{option} cannot be used: it is no URL of the form "
        f"mysql+pymysql://user:password@host:port/database; {needs.ESCAPES}."
    )


def _is_plausible(url: sqlalchemy.URL) -> bool:
    """Whether no part of it looks like the rest of a password."""
    if url.get_backend_name() == "sqlite":
        return True
    has_port = url.port is None or 0 < url.port < 65536
    return has_port and "@" not in f"{url.host}{url.database}"


def misfit(engine: sqlalchemy.Engine) -> str | None:
    """What of a URL its driver cannot be called with; None if nothing."""
    positional, named = engine.dialect.create_connect_args(engine.url)
    try:
        connect = inspect.signature(engine.dialect.loaded_dbapi.connect)
    except ValueError:
        # Written in C, it does not tell.
        return None
    try:
        connect.bind(*positional, **named)
    except TypeError as error:
        return str(error)
    return None


def bounded(url: sqlalchemy.URL, seconds: int) -> sqlalchemy.URL:
    """The URL by which drivers give up a server that does not answer.

    A server that is gone with its machine, or behind a broken network,
    closes no connection. What the URL says of it already stays.

    :param seconds: that the server has for an answer
    """
    backend, _, driver = url.drivername.partition("+")
    limits = _LIMITS.get((backend, driver), _no_limits)(seconds)
    missing = {
        name: str(value)
        for name, value in limits.items()
        if name not in url.query
    }
    return url.update_query_dict(missing)


def _mysql_limits(seconds: int) -> dict[str, int]:
    return {
        "connect_timeout": seconds,
        "read_timeout": seconds,
        "write_timeout": seconds,
    }


def _postgresql_limits(seconds: int) -> dict[str, int]:
    """Its drivers wait for as long as the server's machine is there."""
    return {
        "connect_timeout": seconds,
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": max(seconds // 2, 1),
        "keepalives_interval": max(seconds // 4, 1),
        "keepalives_count": 2,
    }


#: The drivers of PostgreSQL that hand on what the URL says.
_OF_LIBPQ = ("", "psycopg", "psycopg2")


def _no_limits(_seconds: int) -> dict[str, int]:
    return {}


_LIMITS: Mapping[tuple[str, str], Callable[[int], dict[str, int]]] = {
    **{
        (backend, driver): _mysql_limits
        for backend in ("mysql", "mariadb")
        for driver in ("", "mysqldb", "pymysql")
    },
    **{("postgresql", driver): _postgresql_limits for driver in _OF_LIBPQ},
}


#: What has the server end a transaction that idles, by dialect. Of the kinds
#: of MySQL only MariaDB can, and the others read a comment.
_MARIADB_IDLES = (
    "SET /*M!100300 SESSION idle_transaction_timeout = {seconds}, */ "
    "SESSION wait_timeout = @@SESSION.wait_timeout"
)
_IDLES = {
    "mysql": _MARIADB_IDLES,
    "mariadb": _MARIADB_IDLES,
    "postgresql": "SET idle_in_transaction_session_timeout = '{seconds}s'",
}


def end_idle_transactions(engine: sqlalchemy.Engine, seconds: int) -> None:
    """Have the server end transactions of a process that stands still.

    It would lock what it has written for as long as its machine keeps the
    connection, and nobody could take its work over.

    :param seconds: how long it may idle
    """
    statement = _IDLES.get(engine.dialect.name)
    if statement is None:
        return
    text = statement.format(seconds=seconds)

    @sqlalchemy.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(text)
        connection.commit()


def to_the_writer(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """The URL by which, of several servers, the one is used that writes.

    What the URL says of it already stays. Only of PostgreSQL's drivers that
    ask libpq for it.
    """
    backend, _, driver = url.drivername.partition("+")
    names = [url.host or "", *url.normalized_query.get("host", ())]
    servers = [name for name in ",".join(names).split(",") if name]
    if (
        backend != "postgresql"
        or driver not in _OF_LIBPQ
        or len(servers) < 2
        or "target_session_attrs" in url.query
    ):
        return url
    return url.update_query_dict({"target_session_attrs": "read-write"})


#: "cannot execute INSERT in a read-only transaction".
_READ_ONLY_OF_POSTGRESQL = "25006"

#: "in a READ ONLY transaction", "Running in read-only mode".
_READ_ONLY_OF_MARIADB = (1792, 1836)

#: "running with the --read-only option", or with another one.
_PREVENTED_OF_MARIADB = 1290


def only_reads(error: BaseException) -> bool:
    """Whether a server refused a write as it only reads, perhaps by now."""
    state = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    if state is not None:
        return bool(state == _READ_ONLY_OF_POSTGRESQL)
    number, *texts = getattr(error, "args", ()) or (None,)
    if number == _PREVENTED_OF_MARIADB:
        return any(re.search("read.only", str(text)) for text in texts)
    return number in _READ_ONLY_OF_MARIADB


def leave_who_only_reads(engine: sqlalchemy.Engine) -> None:
    """Give connections up that lead to a server which does not write.

    After a failover those in the pool may lead to the server that was
    written to before. To connect again is all that helps.
    """

    dialect: Any = engine.dialect
    usual = dialect.is_disconnect

    def is_disconnect(error: Exception, *args: Any) -> bool:
        return only_reads(error) or usual(error, *args)

    # A listener for errors would come after that of oslo.db, which looks at
    # whether it is a lost connection.
    dialect.is_disconnect = is_disconnect


def create(
    connection: str,
    clock: clocks.Clock,
    options: Mapping[str, Any],
    *,
    answer_within: int | None = ANSWER_WITHIN,
) -> sqlalchemy.Engine:
    """An engine for a URL; of ``options`` only those of an engine count.

    :param clock: what SQLite takes the time from
    :param answer_within: seconds that the server has; None waits for as
        long as it takes
    """
    known: dict[str, Any] = {"mysql_sql_mode": "TRADITIONAL"}
    known |= {
        name: value
        for name, value in options.items()
        if name in ENGINE_OPTIONS and value is not None
    }
    url = sqlalchemy.make_url(connection)
    if url.get_backend_name() == "sqlite":
        return _sqlite(connection, clock, known)
    parameters = known.pop("connection_parameters", "")
    if parameters:
        url = url.update_query_string(parameters, append=True)
    url = to_the_writer(url)
    if answer_within is not None:
        url = bounded(url, answer_within)
    engine: sqlalchemy.Engine = oslo_engines.create_engine(
        url, max_retries=0, thread_checkin=False, **known
    )
    leave_who_only_reads(engine)
    if answer_within is not None:
        end_idle_transactions(engine, answer_within)
    return engine


def _sqlite(
    connection: str, clock: clocks.Clock, options: Mapping[str, Any]
) -> sqlalchemy.Engine:
    """A database in a file, or one in memory that threads take turns on."""
    url = sqlalchemy.make_url(connection)
    in_memory = url.database in (None, "", ":memory:")
    engine = sqlalchemy.create_engine(
        url,
        poolclass=pool.QueuePool,
        pool_size=1 if in_memory else options.get("max_pool_size", 5),
        max_overflow=0 if in_memory else options.get("max_overflow", 50),
        pool_timeout=options.get("pool_timeout", 30),
        connect_args={
            "check_same_thread": False,
            "timeout": SQLITE_BUSY_TIMEOUT,
        },
    )
    synchronous = options.get("sqlite_synchronous", True)

    @sqlalchemy.event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, record: Any) -> None:
        record.info["pid"] = os.getpid()
        # The driver must not begin transactions behind our back.
        connection.isolation_level = None
        connection.create_function(
            clocks.SQLITE_FUNCTION,
            0,
            functools.partial(clocks.milliseconds, clock),
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        if not synchronous:
            connection.execute("PRAGMA synchronous = OFF")

    @sqlalchemy.event.listens_for(engine, "checkout")
    def _checked_out(
        _connection: sqlite3.Connection, record: Any, _proxy: Any
    ) -> None:
        # SQLite loses its locks when a connection crosses a fork.
        if record.info["pid"] != os.getpid():
            raise sqlalchemy.exc.DisconnectionError("made before a fork")

    @sqlalchemy.event.listens_for(engine, "begin")
    def _begin(connection: sqlalchemy.Connection) -> None:
        # A reader that turns into a writer could not wait for another one.
        writer = connection.get_execution_options().get(WRITER, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    exc_filters.register_engine(engine)
    return engine
