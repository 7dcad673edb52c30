# SPDX-License-Identifier: Apache-2.0
"""What the actions of all categories have in common."""

import argparse
import contextlib
import dataclasses
import datetime
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import prettytable
from oslo_config import cfg

from masakari import conf as configuration
from masakari.db import schema
from masakari.db.session import Database

LOG = logging.getLogger(__name__)

#: Characters in a line of a cell.
_WIDEST = 80


class UsageError(Exception):
    """An argument that makes no sense."""


class RefusedError(Exception):
    """What was asked for is not done."""


def no_arguments(_parser: argparse.ArgumentParser) -> None:
    """What some actions take."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something to do.

    :param run: called with the configuration, where its arguments are in
        ``conf.category``
    :param answers: whether its output is an answer, which no reason why it
        failed may get into
    """

    help: str
    run: Callable[[cfg.ConfigOpts], None]
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    answers: bool = True


@contextlib.contextmanager
def opened(conf: cfg.ConfigOpts) -> Iterator[Database]:
    """The database, which has to be there and of this release.

    :raises ConfigurationError: it lacks tables
    :raises ServiceUnavailable: it is away
    """
    database = Database.from_conf(conf)
    try:
        schema.check(database)
        yield database
    finally:
        database.dispose()


def json_argument(parser: argparse.ArgumentParser) -> None:
    """Let the answer be one for programs."""
    parser.add_argument(
        "--json", action="store_true", help="answer in JSON, for programs"
    )


def uuid_arguments(parser: argparse.ArgumentParser) -> None:
    """Which notification, and how to answer."""
    parser.add_argument("uuid", help="the uuid of the notification")
    json_argument(parser)


def report(text: str) -> None:
    """Say what was done, to who has called it and to the log."""
    print(text)
    if not configuration.log_on_terminal():
        LOG.info("%s", text)


def print_json(value: Any) -> None:
    """For programs."""
    print(json.dumps(value, indent=2))


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """For people; None is shown as nothing."""
    table = prettytable.PrettyTable(list(headings))
    table.align = "l"
    table.max_width = _WIDEST
    for row in rows:
        table.add_row([_cell(value) for value in row])
    print(table)


def _cell(value: object) -> str:
    """Names and messages are not made here: nothing in them is obeyed."""
    lines = "" if value is None else str(value)
    return "\n".join(
        configuration.printable(each) for each in lines.split("\n")
    )


def moment(value: datetime.datetime | None) -> str | None:
    """UTC in ISO 8601, in whole seconds; None is nothing."""
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%SZ}"


def lease(seconds: float | None) -> str | None:
    """How a lease stands, in words."""
    if seconds is None:
        return None
    if seconds <= 0:
        return f"ended {-seconds:.0f} s ago"
    return f"{seconds:.0f} s left"
