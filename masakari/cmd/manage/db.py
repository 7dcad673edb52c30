# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage db``: the tables, and what is in them for too long."""

import argparse
import contextlib
import datetime
import sys
import time
from collections.abc import Iterator, Mapping

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.cmd.manage import actions
from masakari.cmd.manage.actions import Action, UsageError
from masakari.db import progress, purge, schema
from masakari.db.session import Database

_LARGEST = 0x7FFFFFFF
_SECONDS_OF_A_DAY = 86400


def sync(conf: cfg.ConfigOpts) -> None:
    """Create or upgrade the tables, TaskFlow's too."""
    with _database(conf) as database:
        schema.sync(database, conf.category.version)
        revision = schema.version(database)
    progress.create_tables(progress.url(conf))
    actions.report(f"The database is at revision {revision}.")


def version(conf: cfg.ConfigOpts) -> None:
    """Print the revision of the schema."""
    with _database(conf) as database:
        if database.unmade is not None:
            print(f"{database.unmade} is not there.", file=sys.stderr)
        print(schema.version(database))


def purge_rows(conf: cfg.ConfigOpts) -> None:
    """Remove what ended, or was deleted, long ago."""
    age, most = conf.category.age_in_days, conf.category.max_rows
    _check_age(age)
    _check_rows(most)
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    with _database(conf) as database:
        schema.check(database)
        counts = purge.purge(
            database,
            progress.database(conf, database),
            before=now - datetime.timedelta(days=age),
            max_rows=None if most < 0 else most,
        )
    for table, count in counts.items():
        actions.report(f"Removed {count} rows from {table}.")


def _check_age(days: int) -> None:
    if days < 0:
        raise UsageError("Must supply a non-negative value for age.")
    if days >= time.time() // _SECONDS_OF_A_DAY:
        raise UsageError("Maximal age is count of days since epoch.")


def _check_rows(most: int) -> None:
    if most == 0:
        raise UsageError("Must supply value greater than 0 for max_rows.")
    if most < -1:
        raise UsageError("Invalid input received: max_rows must be >= -1")
    if most > _LARGEST:
        raise UsageError(
            f"Invalid input received: max_rows must be <= {_LARGEST}"
        )


def _sync_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "version",
        nargs="?",
        help="the revision to stop at; the newest one by default",
    )


def _purge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--age_in_days",
        type=int,
        default=30,
        help="keep what ended or was deleted less than so many days ago",
    )
    parser.add_argument(
        "--max_rows",
        type=int,
        default=-1,
        help="remove at most so many rows; -1 is any number",
    )


@contextlib.contextmanager
def _database(conf: cfg.ConfigOpts) -> Iterator[Database]:
    """The database, once it has answered; a file may not be there yet."""
    database = Database.from_conf(conf, answer_within=None)
    try:
        if database.unmade is None:
            _wait_for(database)
        yield database
    finally:
        database.dispose()


def _wait_for(database: Database) -> None:
    """Wait as ``[database] max_retries`` allows, and say so.

    :raises ServiceUnavailable: it did not come
    """
    if not configuration.log_on_terminal():
        try:
            database.ping()
        except exception.DatabaseUnavailable as error:
            print(
                f"The database is not there yet: {error.reason}",
                file=sys.stderr,
            )
    database.connect()


ACTIONS: Mapping[str, Action] = {
    "sync": Action(
        help="create or upgrade the tables",
        run=sync,
        add_arguments=_sync_arguments,
        answers=False,
    ),
    "version": Action(
        help="print the schema's revision", run=version, answers=False
    ),
    "purge": Action(
        help="remove rows that nobody needs any more",
        run=purge_rows,
        add_arguments=_purge_arguments,
        answers=False,
    ),
}
