# SPDX-License-Identifier: Apache-2.0
"""The program: its command line and its exit codes."""

import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.cmd import startup
from masakari.cmd.manage import db, engines, notifications
from masakari.cmd.manage.actions import Action, RefusedError, UsageError

PROG = "masakari-manage"

CATEGORIES: Mapping[str, Mapping[str, Action]] = {
    "db": db.ACTIONS,
    "engine": engines.ACTIONS,
    "notification": notifications.ACTIONS,
}

_HELP = {
    "db": "the tables, and what is in them for too long",
    "engine": "who is there, and works on what",
    "notification": "what is left to do, and pushing it on",
}

#: Connections to try before a database is away: somebody waits for it.
_RETRIES = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Run one action.

    :returns: 0; 1 when the action failed; 2 when the command line or the
        configuration is wrong
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    # Actions first act, and then tell.
    return startup.to_reader(lambda: _main(arguments), unread=0)


def _main(arguments: list[str]) -> int:
    if not arguments:
        _print_usage()
        return 2
    try:
        conf = configuration.load(
            arguments,
            prog=PROG,
            cli_opts=[
                cfg.SubCommandOpt(
                    "category", title="categories", handler=_add_categories
                )
            ],
        )
    except cfg.Error as error:
        print(_in_words(error), file=sys.stderr)
        return 2
    conf.set_default("max_retries", _RETRIES, "database")
    # Standard output is for what was asked for.
    conf.set_default("use_stderr", not (conf.log_file or conf.log_dir))
    try:
        startup.begin(conf, or_stderr=True)
    except exception.ConfigurationError as error:
        startup.refuse(f"{PROG} cannot work", error)
        return 2
    configuration.log_absence(conf)
    return _run(conf)


def _in_words(error: cfg.Error) -> str:
    if isinstance(error, cfg.ConfigFilesNotFoundError):
        files = ", ".join(error.config_files)
        return f"Failed to read configuration file(s): {files}"
    if isinstance(error, cfg.ConfigDirNotFoundError):
        return f"Invalid directory: {error.config_dir}"
    return str(error)


def _run(conf: cfg.ConfigOpts) -> int:
    try:
        conf.category.action.run(conf)
    except (RefusedError, UsageError, exception.ServiceUnavailable) as error:
        print(startup.in_words(error), file=sys.stderr)
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
        chosen = subparsers.add_parser(
            category, help=_HELP[category]
        ).add_subparsers(metavar="action", required=True)
        for name, action in actions.items():
            parser = chosen.add_parser(name, help=action.help)
            parser.set_defaults(action=action)
            action.add_arguments(parser)
