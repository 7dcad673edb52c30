# SPDX-License-Identifier: Apache-2.0
"""What programs do first and last, and say when they cannot start."""

import logging
import os
import sys
from collections.abc import Callable

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.db import progress
from masakari.db.session import Database

LOG = logging.getLogger(__name__)


def begin(conf: cfg.ConfigOpts, *, or_stderr: bool = False) -> None:
    """Open the log, and refuse what can be seen not to work.

    Nothing is connected, and nothing is left that does not survive a fork.

    :param or_stderr: log there where a file may not be written
    :raises ConfigurationError: an option has a value that it cannot have,
        the log cannot be written, or a database's URL makes no sense
    """
    configuration.setup_logging(conf, or_stderr=or_stderr)
    try:
        configuration.check(conf)
    except cfg.Error as error:
        raise exception.ConfigurationError(str(error)) from error
    database = Database.from_conf(conf)
    progress.database(conf, database).dispose()
    database.dispose()


def refuse(what: str, error: Exception) -> None:
    """Say why, in one line: in the log and to who has started the program.

    :param what: what cannot be done, as the beginning of the sentence
    """
    reason = " ".join(in_words(error).split())
    LOG.critical("%s: %s", what, reason)
    if not configuration.log_on_terminal():
        sys.stderr.write(f"{what}: {reason}\n")


def in_words(error: Exception) -> str:
    """What an operator is told."""
    if isinstance(error, exception.DatabaseUnavailable):
        return f"The database cannot be used: {error.reason}"
    if isinstance(error, exception.ServiceUnavailable):
        # Drivers' texts go on with a link for developers.
        return str(error).partition("\n")[0]
    return str(error)


def to_reader(main: Callable[[], int], *, unread: int) -> int:
    """The exit status of ``main``, whose output may go unread, as to ``head``.

    :param unread: the status when that was noticed before the end
    """
    code = unread
    try:
        try:
            code = main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # At the end Python would flush it again, and complain.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    return code
