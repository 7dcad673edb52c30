# SPDX-License-Identifier: Apache-2.0
"""Masakari's configuration: which options there are, and reading them.

Whoever needs a configuration is handed it: :func:`load` gives a new object,
or fills :data:`CONF`, which is for those that cannot be handed one.
"""

from collections.abc import Sequence
from importlib import metadata

from keystoneauth1 import loading
from oslo_config import cfg
from oslo_db import options as oslo_db_options
from oslo_log import log as logging

from masakari.conf import (
    database,
    defaults,
    ignored,
    log_files,
    logs,
    opts,
    reading,
    recovery_flows,
)

PROJECT = "masakari"

#: oslo.config's own object. Recovery tasks of third parties, and libraries,
#: read it and register their options on it, so that a program with an engine
#: has to have its configuration in it. Nothing of Masakari's reads it.
CONF: cfg.ConfigOpts = cfg.CONF


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register every option that Masakari itself reads or accepts."""
    for group, options in (*opts.list_opts(), *recovery_flows.list_opts()):
        conf.register_opts(options, _own(group))
    oslo_db_options.set_defaults(conf, connection=database.CONNECTION)
    conf.set_default("max_retries", database.MAX_RETRIES, "database")
    loading.register_auth_conf_options(conf, "keystone_authtoken")


def _own(group: str | cfg.OptGroup) -> cfg.OptGroup | None:
    """A group of one configuration; None is ``[DEFAULT]``.

    oslo.config copies a group only on the surface: what is set in one
    configuration would be set in all that share the group.
    """
    if isinstance(group, str):
        return None if group == "DEFAULT" else cfg.OptGroup(group)
    return cfg.OptGroup(group.name, title=group.title, help=group.help)


def load(
    argv: Sequence[str],
    *,
    prog: str,
    config_files: Sequence[str] | None = None,
    cli_opts: Sequence[cfg.Opt] = (),
    into: cfg.ConfigOpts | None = None,
) -> cfg.ConfigOpts:
    """Read the configuration of one program.

    :param argv: the command line without the program's name
    :param prog: the program's name, which also names its own file
        (``masakari-engine.conf``)
    :param config_files: the files to read when the command line names none;
        None searches the usual places, as oslo.config does for ``masakari``
    :param cli_opts: what else the command line may hold
    :param into: the object that is filled; None makes a new one
    :raises oslo_config.cfg.Error: when it cannot be read
    """
    conf = cfg.ConfigOpts() if into is None else into
    # Options of a command line that was read before could not be registered.
    conf.clear()
    defaults.set_library_defaults()
    logging.register_options(conf)
    register_opts(conf)
    conf.register_cli_opts(cli_opts)
    with reading.errors():
        conf(
            args=list(argv),
            project=PROJECT,
            prog=prog,
            version=metadata.version(PROJECT),
            default_config_files=None
            if config_files is None
            else [*config_files],
            default_config_dirs=None if config_files is None else [],
        )
    return conf


def setup_logging(conf: cfg.ConfigOpts, *, or_stderr: bool = False) -> None:
    """See :func:`masakari.conf.log_files.set_up`."""
    log_files.set_up(conf, PROJECT, or_stderr=or_stderr)


check = reading.check
log_absence = reading.log_absence
log_ignored = ignored.log_ignored
log_on_terminal = logs.on_terminal
mutate = reading.mutate
printable = logs.printable
