# SPDX-License-Identifier: Apache-2.0
"""``masakari-status upgrade check``: is a deployment ready to upgrade?"""

import sys
from collections.abc import Callable, Sequence

from oslo_config import cfg
from oslo_upgradecheck import common_checks, upgradecheck

from masakari import conf as configuration
from masakari import exception, keystone, policy
from masakari.api import tokens
from masakari.cmd import startup
from masakari.conf import defaults
from masakari.db import progress, schema
from masakari.db.session import Database
from masakari.engine import nova_access, workflows
from masakari.events import publisher
from masakari.nova import client, session
from masakari.rpc import bus

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
            (_policy_format, {"conf": conf}),
        ),
        ("Policy Files", (_policies, {"conf": conf})),
        ("Recovery Workflow Tasks", (_recovery_tasks, {"conf": conf})),
        ("Configuration Values", (_values, {"conf": conf})),
        ("Database Schema", (_schema, {"conf": conf})),
        ("Tokens of Callers", (_tokens, {"conf": conf})),
        ("Access to Nova", (_nova, {"conf": conf})),
    )
    return commands


def _policy_format(
    commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether a policy file is still in JSON, as far as it can be read."""
    try:
        return common_checks.check_policy_json(commands, conf)
    except (OSError, ValueError) as error:
        return upgradecheck.Result(upgradecheck.Code.FAILURE, str(error))


def _recovery_tasks(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether an engine with these files could run its recovery flows."""
    files = [f"--config-file={name}" for name in conf.config_file or ()]
    files += [f"--config-dir={name}" for name in conf.config_dir or ()]
    try:
        workflows.load(
            configuration.load(
                files,
                prog="masakari-status",
                config_files=[],
                # Where tasks of third parties look for their options.
                into=configuration.CONF,
            )
        )
    except (exception.ConfigurationError, cfg.Error) as error:
        return upgradecheck.Result(upgradecheck.Code.FAILURE, str(error))
    return upgradecheck.Result(upgradecheck.Code.SUCCESS)


def _policies(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether an API with these policy files would start."""
    try:
        enforcer = policy.read(conf)
    except exception.ConfigurationError as error:
        return upgradecheck.Result(upgradecheck.Code.FAILURE, str(error))
    remarks = policy.remarks(enforcer)
    if remarks:
        text = "; ".join(remarks)
        return upgradecheck.Result(upgradecheck.Code.WARNING, text)
    return upgradecheck.Result(upgradecheck.Code.SUCCESS)


def _values(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether each option has a value that it can have, and what it needs."""
    reasons = []
    for check in (
        configuration.check,
        bus.check,
        lambda conf: publisher.Notifier(conf, publisher.Binary.API),
    ):
        try:
            check(conf)
        except (exception.ConfigurationError, cfg.Error) as error:
            reasons.append(str(error))
    if reasons:
        text = "\n".join(dict.fromkeys(reasons))
        return upgradecheck.Result(upgradecheck.Code.FAILURE, text)
    return upgradecheck.Result(upgradecheck.Code.SUCCESS)


def _tokens(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether Keystone would check tokens of callers for the API."""
    if conf.auth_strategy != "keystone":
        return upgradecheck.Result(
            upgradecheck.Code.WARNING,
            f"[DEFAULT] auth_strategy is {conf.auth_strategy}: everybody is "
            "an administrator.",
        )

    def ask() -> str | None:
        credentials = tokens.check(conf)
        if credentials is None:
            return "[keystone_authtoken] auth_type is not set."
        tokens.Check(conf, credentials).ask()
        return None

    return _asked(ask)


def _nova(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether Nova would do for an engine what recoveries need."""

    def ask() -> str | None:
        if not keystone.are_set_for_nova(conf):
            return (
                "There are no credentials for Nova, which engines need: "
                "neither [nova] auth_type nor [DEFAULT] "
                "os_privileged_user_auth_url is set."
            )
        settings = session.impatient(session.from_conf(conf))
        nova_access.check_nova(client.NovaClient(settings))
        return None

    return _asked(ask)


def _asked(ask: Callable[[], str | None]) -> upgradecheck.Result:
    """What comes of asking a neighbour.

    :param ask: returns what there is to say although all is well
    """
    try:
        remark = ask()
    except exception.ServiceUnavailable as error:
        return upgradecheck.Result(upgradecheck.Code.WARNING, str(error))
    except (exception.MasakariException, cfg.Error) as error:
        return upgradecheck.Result(upgradecheck.Code.FAILURE, str(error))
    return upgradecheck.Result(upgradecheck.Code.SUCCESS, remark)


def _schema(
    _commands: upgradecheck.UpgradeCommands, conf: cfg.ConfigOpts
) -> upgradecheck.Result:
    """Whether the database has the tables of this release.

    That they are still to be made is what an upgrade begins with: a script
    that checks before it upgrades goes on only after a success.
    """
    try:
        database = Database.from_conf(conf)
        progress.database(conf, database).dispose()
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
