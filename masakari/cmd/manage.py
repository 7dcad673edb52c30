# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage``: what an operator does to the database by hand.

A category is a mapping of names to actions in ``CATEGORIES``; an action
says which arguments it takes and does its work with the configuration.
"""

import argparse
import contextlib
import dataclasses
import datetime
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.db import progress, purge, schema
from masakari.db.session import Database

LOG = logging.getLogger(__name__)

PROG = "masakari-manage"

_LARGEST = 0x7FFFFFFF
_SECONDS_OF_A_DAY = 86400


class UsageError(Exception):
    """An argument that makes no sense."""


def _no_arguments(_parser: argparse.ArgumentParser) -> None:
    """What most actions take."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something to do.

    :param run: called with the configuration, where its arguments are in
        ``conf.category``
    """

    help: str
    run: Callable[[cfg.ConfigOpts], None]
    add_arguments: Callable[[argparse.ArgumentParser], None] = _no_arguments


def sync(conf: cfg.ConfigOpts) -> None:
    """Create or upgrade the tables, TaskFlow's too."""
    with _database(conf) as database:
        schema.sync(database, conf.category.version)
    progress.create_tables(progress.url(conf))


def version(conf: cfg.ConfigOpts) -> None:
    """Print the revision of the schema."""
    with _database(conf) as database:
        print(schema.version(database))


def purge_rows(conf: cfg.ConfigOpts) -> None:
    """Remove what ended, or was deleted, long ago."""
    age, most = conf.category.age_in_days, conf.category.max_rows
    _check_age(age)
    _check_rows(most)
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    with _database(conf) as database:
        counts = purge.purge(
            database,
            progress.database(conf, database),
            before=now - datetime.timedelta(days=age),
            max_rows=None if most < 0 else most,
        )
    for table, count in counts.items():
        LOG.info("Removed %d rows from %s.", count, table)


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


CATEGORIES: Mapping[str, Mapping[str, Action]] = {
    "db": {
        "sync": Action(
            help="create or upgrade the tables",
            run=sync,
            add_arguments=_sync_arguments,
        ),
        "version": Action(help="print the schema's revision", run=version),
        "purge": Action(
            help="remove rows that nobody needs any more",
            run=purge_rows,
            add_arguments=_purge_arguments,
        ),
    },
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one action.

    :returns: 0; 1 when the action failed; 2 when the command line or the
        configuration is wrong
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments:
        _print_usage()
        return 2
    try:
        conf = configuration.load(
            arguments,
            prog=PROG,
            cli_opts=[cfg.SubCommandOpt("category", handler=_add_categories)],
        )
    except cfg.ConfigFilesNotFoundError as error:
        files = ", ".join(error.config_files)
        print(f"Failed to read configuration file(s): {files}")
        return 2
    except cfg.ConfigDirNotFoundError as error:
        print(f"Invalid directory: {error.config_dir}")
        return 2
    except cfg.Error as error:
        print(error)
        return 2
    configuration.setup_logging(conf)
    return _run(conf)


def _run(conf: cfg.ConfigOpts) -> int:
    try:
        conf.category.action.run(conf)
    except (UsageError, exception.ServiceUnavailable) as error:
        print(error, file=sys.stderr)
        return 1
    except exception.MasakariException as error:
        print(error)
        return 1
    return 0


def _print_usage() -> None:
    print("OpenStack masakari version:", metadata.version("masakari"))
    print(f"{PROG} category action [<args>]")
    print("Available categories:")
    for name in CATEGORIES:
        print(f"\t{name}")


def _add_categories(subparsers: Any) -> None:
    for category, actions in CATEGORIES.items():
        chosen = subparsers.add_parser(category).add_subparsers(
            metavar="action", required=True
        )
        for name, action in actions.items():
            parser = chosen.add_parser(name, help=action.help)
            parser.set_defaults(action=action)
            action.add_arguments(parser)


@contextlib.contextmanager
def _database(conf: cfg.ConfigOpts) -> Iterator[Database]:
    """The database, once it has answered."""
    # Changing or emptying large tables may take any time.
    database = Database.from_conf(conf, patience=None)
    try:
        database.connect()
        yield database
    finally:
        database.dispose()
