# SPDX-License-Identifier: Apache-2.0
"""The database, as transactions that are repeated when that may help."""

import contextlib
import logging
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy
import tenacity
from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_db import options as db_options
from sqlalchemy import orm

from masakari import exception
from masakari.conf import needs
from masakari.db import clocks, connections, repetition

LOG = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: What becomes better, perhaps, when the transaction runs again.
_PASSING = (
    db_exception.DBDeadlock,
    db_exception.DBConnectionError,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.TimeoutError,
)

#: Of the options of ``[database]`` that nobody has given.
_DEFAULTS = {
    option.dest: option.default for option in db_options.database_opts
}

#: Seconds that one attempt may wait for a connection, unless
#: ``[database] pool_timeout`` says otherwise.
_CONNECTING = 30


class _ConnectError(Exception):
    """No connection could be had."""


class Database:
    """One database and its pool of connections; safe to share by threads.

    :param connection: an SQLAlchemy URL
    :param clock: what rows are dated by and, with SQLite, leases too
    :param answer_within: seconds that the server has; None waits for as
        long as it takes
    :param options: options of the ``[database]`` group by their names
    """

    def __init__(
        self,
        connection: str,
        *,
        clock: clocks.Clock = clocks.utc_now,
        answer_within: int | None = connections.ANSWER_WITHIN,
        **options: Any,
    ) -> None:
        self._clock = clock
        self._options = {**_DEFAULTS, **options}
        self._repetition = repetition.Repetition.of(self._options)
        self._answer_within = answer_within or 0
        self.engine = connections.create(
            connection, clock, options, answer_within=answer_within
        )
        self._writers = self.engine.execution_options(
            **{connections.WRITER: True}
        )

    @classmethod
    def from_conf(
        cls,
        conf: cfg.ConfigOpts,
        *,
        url: str | None = None,
        clock: clocks.Clock = clocks.utc_now,
        answer_within: int | None = connections.ANSWER_WITHIN,
    ) -> "Database":
        """The database that ``[database]`` describes.

        :param url: where it is, if not where ``connection`` says
        :param answer_within: seconds that the server has; None waits for
            as long as it takes
        :raises ConfigurationError: the URL is not set, or no URL that can
            be used
        """
        conf.register_opts(db_options.database_opts, "database")
        option = f"[{'database' if url is None else 'taskflow'}] connection"
        connection = url or needs.value(conf, "connection", "database")
        if not connection:
            raise exception.ConfigurationError(f"{option} has to be set.")
        connections.check(option, connection)
        options = dict(conf.database.items()) | {"connection": connection}
        try:
            made = cls(clock=clock, answer_within=answer_within, **options)
        except (sqlalchemy.exc.ArgumentError, TypeError, ValueError):
            raise exception.ConfigurationError(
                f"{option} cannot be used: its path, or a parameter of it, "
                "makes no sense."
            ) from None
        misfit = connections.misfit(made.engine)
        if misfit is not None:
            made.dispose()
            raise exception.ConfigurationError(
                f"{option} cannot be used: {misfit}."
            )
        return made

    def read(
        self,
        function: Callable[Concatenate[orm.Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call ``function(session, ...)`` in a transaction that only reads.

        :raises ServiceUnavailable: the database is away
        """
        return self._repeat(lambda: self._read(function, *args, **kwargs))

    def write(
        self,
        function: Callable[Concatenate[orm.Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call ``function(session, ...)`` in a transaction and commit it.

        The function is called again, in a new transaction, after a deadlock
        or a lost connection. When the connection was lost while the commit
        was on its way, the first transaction may have been done.

        :raises ServiceUnavailable: the database is away
        """
        return self._repeat(lambda: self._write(function, *args, **kwargs))

    def connect(self) -> None:
        """Wait for the database, as ``[database] max_retries`` allows.

        :raises ServiceUnavailable: it did not come
        """
        retries = self._options["max_retries"]
        endless = retries < 0
        interval = self._options["retry_interval"]
        tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(
                exception.ServiceUnavailable
            ),
            stop=tenacity.stop_never
            if endless
            else tenacity.stop_after_attempt(retries + 1),
            wait=tenacity.wait_fixed(interval),
            before_sleep=_tell_of_waiting,
            reraise=True,
        )(self.ping)

    def ping(self) -> None:
        """Have the server answer, once and now.

        :raises ServiceUnavailable: it does not
        """
        try:
            self._read(lambda session: session.scalar(sqlalchemy.select(1)))
        except (_ConnectError, *_PASSING) as error:
            raise exception.DatabaseUnavailable() from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction for the schema, which is never repeated.

        :raises ServiceUnavailable: the database is away
        """
        try:
            session = self._session(self._writers)
        except _ConnectError as error:
            raise exception.DatabaseUnavailable() from error
        with session:
            yield session.connection()
            session.commit()

    @property
    def unmade(self) -> pathlib.Path | None:
        """The file of SQLite that the first connection would make."""
        name = self.engine.url.database or ":memory:"
        is_file = not name.startswith((":memory:", "file:"))
        if self.engine.dialect.name != "sqlite" or not is_file:
            return None
        file = pathlib.Path(name)
        return file if file.parent.is_dir() and not file.exists() else None

    @property
    def patience(self) -> float:
        """Seconds after which a transaction is given up, in an outage."""
        connecting: float = self._options["pool_timeout"] or _CONNECTING
        connecting += self._answer_within
        return self._repetition.patience(connecting)

    def dispose(self) -> None:
        """Close the connections; those in use when they are given back."""
        self.engine.dispose()

    def _repeat(self, run: Callable[[], T]) -> T:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((_ConnectError, *_PASSING)),
            stop=self._repetition.ends,
            wait=self._repetition.pause,
            before_sleep=_tell_of_repeating,
            reraise=True,
        )
        try:
            return retrying(run)
        except (_ConnectError, *_PASSING) as error:
            LOG.error("The database cannot be used: %s", error)
            raise exception.DatabaseUnavailable() from error

    def _read(
        self, function: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        with self._session(self.engine) as session:
            return function(session, *args, **kwargs)

    def _write(
        self, function: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        with self._session(self._writers) as session:
            value = function(session, *args, **kwargs)
            session.commit()
            return value

    def _session(self, engine: sqlalchemy.Engine) -> orm.Session:
        session = orm.Session(
            engine, expire_on_commit=False, info={"clock": self._clock}
        )
        try:
            session.connection()
        except (
            db_exception.DBError,
            sqlalchemy.exc.DBAPIError,
            sqlalchemy.exc.TimeoutError,
            # A certificate's file that cannot be read, for instance.
            OSError,
        ) as error:
            session.close()
            raise _ConnectError(str(error)) from error
        return session


def _tell_of_waiting(state: tenacity.RetryCallState) -> None:
    error = _error(state)
    LOG.warning(
        "The database is not there yet (attempt %d): %s",
        state.attempt_number,
        # The text goes on with a link for developers.
        str(error.__cause__ if error else None).partition("\n")[0],
    )


def _tell_of_repeating(state: tenacity.RetryCallState) -> None:
    """Deadlocks are ordinary; what does not end is logged as an error."""
    LOG.debug(
        "The transaction is run again after attempt %d: %s",
        state.attempt_number,
        _error(state),
    )


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def flush(session: orm.Session, conflict: exception.Conflict) -> None:
    """Send what is pending to the database.

    :raises Conflict: ``conflict``, when a unique value is there already
    :raises InvalidInput: the database cannot hold so long a text
    """
    try:
        session.flush()
    except db_exception.DBDuplicateEntry as error:
        raise conflict from error
    except db_exception.DBDataError as error:
        raise exception.InvalidInput(reason="a value is too long") from error


def skips_locked(session: orm.Session) -> bool:
    """Whether the server knows ``FOR UPDATE SKIP LOCKED``.

    SQLite does not, and has one writer at a time anyway.
    """
    dialect = session.connection().dialect
    if dialect.name == "postgresql":
        return True
    if dialect.name not in ("mysql", "mariadb"):
        return False
    needed = (10, 6) if getattr(dialect, "is_mariadb", False) else (8, 0, 1)
    return (dialect.server_version_info or ()) >= needed
