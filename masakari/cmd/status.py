# SPDX-License-Identifier: Apache-2.0
"""``masakari-status upgrade check``: is a deployment ready to upgrade?"""

import sys
from collections.abc import Sequence

from oslo_config import cfg
from oslo_upgradecheck import common_checks, upgradecheck

from masakari import conf as configuration
from masakari import exception
from masakari.cmd import startup
from masakari.conf import defaults
from masakari.db import schema
from masakari.db.session import Database
from masakari.engine import plugins

#: 1 would be a warning.
_ERROR = 255


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks and print what they say.

    :returns: 0 for success, 1 for a warning, 2 for a failure, 255 for an
        error
    """
    conf = cfg.ConfigOpts()
    defaults.set_library_defaults()
    configuration.register_opts(conf)

    def run() -> int:
        code: int = upgradecheck.main(
            conf,
            project=configuration.PROJECT,
            upgrade_command=_checks(conf),
            argv=sys.argv[1:] if argv is None else list(argv),
        )
        return code

    try:
        return startup.to_reader(run, unread=_ERROR)
    except cfg.Error as error:
        sys.stderr.write(f"{error}\n")
        return _ERROR


def _checks(conf: cfg.ConfigOpts) -> upgradecheck.UpgradeCommands:
    commands = upgradecheck.UpgradeCommands()
    commands._upgrade_checks = (
        (
            "Policy File JSON to YAML Migration",
            (common_checks.check_policy_json, {"conf": conf}),
        ),
        ("Recovery Workflow Tasks", (_recovery_tasks, {"conf": conf})),
        ("Configuration Values", (_values, {"conf": conf})),
        ("Database Schema", (_schema, {"conf": conf})),
    )
    return commands


def _recovery_tasks(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether an engine with this configuration would find its tasks."""
    try:
        plugins.load_workflows(conf)
    except exception.ConfigurationError as error:
        return upgradecheck.Result(upgradecheck.Code.FAILURE, str(error))
    return upgradecheck.Result(upgradecheck.Code.SUCCESS)


def _values(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether each option has a value that it can have."""
    try:
        configuration.check(conf)
    except cfg.Error as error:
        return upgradecheck.Result(upgradecheck.Code.FAILURE, str(error))
    return upgradecheck.Result(upgradecheck.Code.SUCCESS)


def _schema(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether the database has the tables of this release.

    That they are still to be made is what an upgrade begins with: a script
    that checks before it upgrades goes on only after a success.
    """
    try:
        database = Database.from_conf(conf)
    except (exception.ConfigurationError, cfg.Error) as error:
        return upgradecheck.Result(upgradecheck.Code.FAILURE, str(error))
    try:
        schema.check(database)
        newest = schema.is_newest(database)
    except exception.ConfigurationError as error:
        return upgradecheck.Result(upgradecheck.Code.SUCCESS, str(error))
    except exception.ServiceUnavailable as error:
        reason = startup.in_words(error)
        return upgradecheck.Result(upgradecheck.Code.WARNING, reason)
    finally:
        database.dispose()
    if newest:
        return upgradecheck.Result(upgradecheck.Code.SUCCESS)
    return upgradecheck.Result(
        upgradecheck.Code.SUCCESS,
        "The database is not of this release: run masakari-manage db sync.",
    )
