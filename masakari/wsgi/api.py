# SPDX-License-Identifier: Apache-2.0
"""The API for uWSGI, mod_wsgi or gunicorn: ``masakari.wsgi.api:application``.

The command line belongs to the server. The configuration is ``masakari.conf``
and ``api-paste.ini`` in the directory that ``OS_MASAKARI_CONFIG_DIR`` names;
without it, they are looked for in the usual places, as of ``masakari-api``.
Neither has to exist.
"""

import atexit
import logging
import os
import pathlib

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.api import app, wsgi
from masakari.events import publisher

LOG = logging.getLogger(__name__)

_VARIABLE = "OS_MASAKARI_CONFIG_DIR"


def _load() -> wsgi.Application:
    directory = None
    files = None
    argv: list[str] = []
    if _VARIABLE in os.environ:
        directory = pathlib.Path(os.environ[_VARIABLE]).absolute()
        file = directory / "masakari.conf"
        files = [str(file)] if file.is_file() else []
        snippets = directory / "masakari.conf.d"
        if snippets.is_dir():
            argv = [f"--config-dir={snippets}"]
    conf = configuration.load(argv, prog="masakari-api", config_files=files)
    configuration.setup_logging(conf)
    configuration.check(conf)
    if directory is None:
        configuration.log_absence(conf)
    else:
        configuration.log_absence(conf, [str(directory)])
    configuration.log_ignored(conf)
    events = publisher.Notifier(conf, publisher.Binary.API)
    # There is no other word of a server's end.
    atexit.register(events.close)
    return app.load(conf, directory, events=events)


def _load_or_say_why() -> wsgi.Application:
    """The server prints the error; the log has the reason too."""
    try:
        return _load()
    except (exception.ConfigurationError, cfg.Error) as error:
        LOG.critical("The API cannot start: %s", error)
        raise


application = _load_or_say_why()
