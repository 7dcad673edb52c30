# SPDX-License-Identifier: Apache-2.0
"""Deployments that bring an ``api-paste.ini``.

The factories that such a file names get no more than strings. What they
build an application from is therefore set aside while the file is loaded.
"""

import configparser
import contextvars
import logging
import pathlib

from oslo_config import cfg
from paste import deploy

from masakari import conf as configuration
from masakari import exception
from masakari.api import composition, wsgi

LOG = logging.getLogger(__name__)

_NAME = "masakari_api"

#: Sections, modules and names that are not there; a file that is not one.
_FAULTY = (LookupError, ImportError, AttributeError, configparser.Error)

_current: contextvars.ContextVar[composition.Composition] = (
    contextvars.ContextVar("masakari_composition")
)


def current() -> composition.Composition:
    """The parts of the application that is being loaded.

    A program that loads the file by itself gets those of the installed
    configuration.
    """
    try:
        return _current.get()
    except LookupError:
        conf = configuration.load([], prog="masakari-api")
        return composition.from_conf(conf)


def find(
    conf: cfg.ConfigOpts, directory: pathlib.Path | None = None
) -> str | None:
    """The path of the deployment's file; None when it has none.

    :param directory: where to look first, before the directories of the
        configuration's files
    :raises ConfigurationError: one is asked for that is not there
    """
    name = pathlib.Path(conf.wsgi.api_paste_config)
    if directory is not None and (directory / name).is_file():
        return str(directory / name)
    path: str | None = conf.find_file(str(name))
    where = conf.get_location("api_paste_config", "wsgi")
    asked_for = where is not None and where.location.is_user_controlled
    if path is None and asked_for:
        raise exception.ConfigurationError(
            f"[wsgi] api_paste_config: there is no file {name}."
        )
    return path


def load(parts: composition.Composition, path: str) -> wsgi.Application:
    """The application ``masakari_api`` of the file at ``path``.

    :raises ConfigurationError: the file cannot be used
    """
    _tell_libraries(parts.conf)
    files = parts.conf.config_file
    token = _current.set(parts)
    try:
        application: wsgi.Application = deploy.loadapp(
            # PasteDeploy takes no other path.
            f"config:{pathlib.Path(path).absolute()}",
            name=_NAME,
            # For the filters that read the configuration on their own.
            global_conf={"oslo_config_file": files[0]} if files else {},
        )
    except _FAULTY as error:
        raise exception.ConfigurationError(f"{path}: {error}") from error
    finally:
        _current.reset(token)
    LOG.info("The API is put together as %s says.", path)
    return application


def _tell_libraries(conf: cfg.ConfigOpts) -> None:
    """Filters of libraries read oslo.config's global object."""
    cfg.CONF(
        [],
        project=configuration.PROJECT,
        prog=conf.prog,
        default_config_files=list(conf.config_file or ()),
        default_config_dirs=list(conf.config_dir or ()),
    )
