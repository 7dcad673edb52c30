# SPDX-License-Identifier: Apache-2.0
"""The program: its command line and its exit codes."""

import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.cmd.manage import db, engines, notifications
from masakari.cmd.manage.actions import Action, RefusedError, UsageError

PROG = "masakari-manage"

CATEGORIES: Mapping[str, Mapping[str, Action]] = {
    "db": db.ACTIONS,
    "engine": engines.ACTIONS,
    "notification": notifications.ACTIONS,
}

#: Connections to try before a database is away: somebody waits for it.
_RETRIES = 10


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
    conf.set_default("max_retries", _RETRIES, "database")
    if conf.category.action.answers:
        conf.set_default("use_stderr", conf.log_file is None)
    configuration.setup_logging(conf)
    return _run(conf)


def _run(conf: cfg.ConfigOpts) -> int:
    try:
        conf.category.action.run(conf)
    except (RefusedError, UsageError, exception.ServiceUnavailable) as error:
        print(error, file=sys.stderr)
        return 1
    except exception.MasakariException as error:
        answers = conf.category.action.answers
        print(error, file=sys.stderr if answers else sys.stdout)
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
