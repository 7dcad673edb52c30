# SPDX-License-Identifier: Apache-2.0
"""``masakari-allinone``: the API and an engine in one process.

It keeps its records in an SQLite file, needs no message bus and no
configuration file, and finds the cloud as the ``openstack`` command does.
"""

import logging
import os
import pathlib
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent import futures

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception, httpd, keystone
from masakari.api import app, server, tokens
from masakari.cmd import engine, startup
from masakari.db import progress, schema
from masakari.db.session import Database
from masakari.events import publisher
from masakari.nova.client import NovaClient
from masakari.nova.port import ComputePort, Refused, Unavailable
from masakari.rpc import bus
from masakari.rpc.client import EngineClient

LOG = logging.getLogger(__name__)

PROG = "masakari-allinone"

#: Seconds for what is in flight when the program is told to stop. There is
#: nobody to hand it over to; the next start goes on with it.
_GRACE = 5

#: Seconds that Keystone has to say at the start whether it knows us.
_PATIENCE = 5

CLI: list[cfg.Opt] = [
    cfg.StrOpt(
        "state-dir",
        metavar="DIR",
        help="Directory of the database; it is made if it is not there. "
        "Default: masakari in $XDG_STATE_HOME or ~/.local/state.",
    ),
    cfg.StrOpt(
        "os-cloud",
        metavar="NAME",
        help="The cloud to serve, an entry of clouds.yaml. Default: the one "
        "that OS_CLOUD, or OS_AUTH_URL and its companions, describe.",
    ),
    cfg.StrOpt(
        "auth",
        choices=["keystone", "noauth2"],
        help="How callers are identified: by the cloud's Keystone, or not "
        "at all. Default: keystone.",
    ),
    cfg.HostAddressOpt(
        "listen",
        metavar="ADDRESS",
        help="Address on which to listen. Default: 127.0.0.1.",
    ),
    cfg.PortOpt(
        "port",
        help="Port on which to listen; 0 takes a free one. Default: 15868.",
    ),
]


class AllInOne:
    """API and engine over one database, in threads of this process.

    :param conf: where ``[DEFAULT] masakari_api_listen`` and
        ``graceful_shutdown_timeout`` matter besides the engine's options
    :param compute: the way to Nova
    :param port: where to listen; None takes what ``conf`` says, 0 a free one
    :raises ConfigurationError: ``conf`` cannot work
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        *,
        compute: ComputePort,
        port: int | None = None,
    ) -> None:
        self._conf = conf
        self._database = Database.from_conf(conf)
        self._events = {
            binary: publisher.Notifier(conf, binary)
            for binary in publisher.Binary
        }
        self._port = port
        self._application = app.build(
            conf,
            database=self._database,
            compute=compute,
            engine_client=EngineClient(conf),
            events=self._events[publisher.Binary.API],
        )
        self._engine = engine.build(
            conf,
            database=self._database,
            compute=compute,
            events=self._events[publisher.Binary.ENGINE],
        )
        self._server: httpd.Server | None = None
        self._stops: list[Callable[[], None]] = []

    @property
    def url(self) -> str:
        """Without a trailing slash; known after :meth:`start`."""
        assert self._server is not None  # noqa: S101
        scheme = "https" if self._conf.use_ssl else "http"
        return f"{scheme}://{self._server.netloc}"

    def start(self) -> None:
        """Make or upgrade the tables, then serve and recover.

        :raises OSError: the address cannot be had
        :raises ServiceUnavailable: the database cannot be opened
        :raises MasakariException: the database cannot be used
        """
        self._server = server.make(
            self._conf,
            self._application,
            server.listen(self._conf, self._port),
        )
        self._stops.append(self._server.stop)
        schema.sync(self._database)
        progress.create_tables(progress.url(self._conf))
        self._engine.start()
        self._stops.append(self._engine.stop)
        self._stops.append(
            engine.listen(self._conf, self._engine, self._database)
        )
        self._server.start("api")

    def stop(self) -> None:
        """Finish what is being done, within the time for that, and close."""
        while self._stops:
            self._stops.pop()()
        for events in self._events.values():
            events.close()
        self._database.dispose()


def prepare(conf: cfg.ConfigOpts, state_dir: pathlib.Path) -> None:
    """Set the defaults of a Masakari in one process.

    :raises OSError: ``state_dir`` cannot be made
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    conf.set_default("state_path", str(state_dir))
    conf.set_default("masakari_api_listen", "127.0.0.1")
    conf.set_default("graceful_shutdown_timeout", _GRACE)
    # Standard output is for the address.
    conf.set_default("use_stderr", not (conf.log_file or conf.log_dir))
    bus.stay_in_process(conf)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop.

    :returns: 0; 1 when it cannot start; 2 when the command line or the
        configuration is wrong
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        conf = configuration.load(
            sys.argv[1:] if argv is None else argv,
            prog=PROG,
            config_files=[],
            cli_opts=CLI,
            into=configuration.CONF,
        )
    except cfg.Error as error:
        print(error, file=sys.stderr)
        return 2
    try:
        prepare(conf, _state_dir(conf))
        startup.begin(conf)
        configuration.log_ignored(conf)
        masakari = _assemble(conf)
        masakari.start()
    except (exception.MasakariException, cfg.Error, OSError) as error:
        startup.refuse(f"{PROG} cannot start", error)
        is_wrong = isinstance(error, (exception.ConfigurationError, cfg.Error))
        return 2 if is_wrong else 1
    signal.signal(signal.SIGHUP, lambda *_: configuration.mutate(conf))
    code = _run(masakari, stop)
    logging.shutdown()
    # Calls that Nova does not answer are still open in other threads.
    os._exit(code)


def _run(masakari: AllInOne, stop: threading.Event) -> int:
    """Work until told to stop; returns the exit status."""
    try:
        print(f"Masakari's API is at {masakari.url}", flush=True)
        stop.wait()
        LOG.info("Masakari stops: it finishes what is in flight")
        masakari.stop()
    except BaseException:
        # Without this thread the others would go on, deaf to signals.
        LOG.critical("Masakari ends unexpectedly", exc_info=True)
        return 1
    return 0


def _state_dir(conf: cfg.ConfigOpts) -> pathlib.Path:
    if conf.state_dir is not None:
        return pathlib.Path(conf.state_dir).absolute()
    base = os.environ.get("XDG_STATE_HOME")
    home = pathlib.Path(base) if base else pathlib.Path("~/.local/state")
    return home.expanduser() / "masakari"


def _assemble(conf: cfg.ConfigOpts) -> AllInOne:
    for option, value in (
        ("auth_strategy", conf.auth),
        ("masakari_api_listen", conf.listen),
    ):
        if value is not None:
            conf.set_override(option, value)
    checks_tokens = conf.auth_strategy == "keystone"
    if checks_tokens and not keystone.is_set(conf, keystone.TOKENS):
        tokens.use_cloud(conf, keystone.find_cloud(conf.os_cloud))
    compute = _compute(conf)
    _log_in(compute)
    return AllInOne(conf, compute=compute, port=conf.port)


def _log_in(compute: NovaClient) -> None:
    """Try the credentials; a Keystone that is away may come later.

    :raises ConfigurationError: Keystone does not take them
    """
    # A call that Keystone leaves open ends with the process.
    tried = futures.ThreadPoolExecutor(1).submit(compute.log_in)
    try:
        tried.result(_PATIENCE)
    except Refused as error:
        raise exception.ConfigurationError(
            f"The cloud's credentials cannot be used: {error}"
        ) from error
    except Unavailable as error:
        _tell_of_absence(str(error))
    except TimeoutError:
        _tell_of_absence(f"not within {_PATIENCE} seconds")


def _tell_of_absence(reason: str) -> None:
    LOG.warning("Keystone does not answer yet: %s", reason)
    if not configuration.log_on_terminal():
        print(f"Keystone does not answer yet: {reason}", file=sys.stderr)


def _compute(conf: cfg.ConfigOpts) -> NovaClient:
    """The configured user's way to Nova or, without one, the caller's."""
    if keystone.are_set_for_nova(conf):
        return NovaClient.from_conf(conf)
    return NovaClient.from_cloud(keystone.find_cloud(conf.os_cloud))


if __name__ == "__main__":
    sys.exit(main())
