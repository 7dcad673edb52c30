# SPDX-License-Identifier: Apache-2.0
"""``masakari-engine``: recovers what notifications report."""

import contextlib
import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent import futures
from importlib import metadata

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.cmd import startup
from masakari.db import progress, schema
from masakari.db.session import Database
from masakari.domain.model import Identity
from masakari.engine.clock import SystemClock
from masakari.engine.endpoint import EngineEndpoint
from masakari.engine.flows import Flows
from masakari.engine.health import Health, HealthServer
from masakari.engine.nova_access import NovaAccess
from masakari.engine.service import Engine
from masakari.engine.settings import recovery_settings
from masakari.engine.slots import Slots
from masakari.engine.world import World
from masakari.events import publisher
from masakari.nova.client import NovaClient
from masakari.nova.port import ComputePort
from masakari.rpc.broker import Broker
from masakari.rpc.server import EngineServer
from masakari.services import readiness

LOG = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def build(
    conf: cfg.ConfigOpts,
    *,
    database: Database,
    compute: ComputePort,
    events: publisher.Publisher,
) -> Engine:
    """Put an engine together.

    :param events: where recoveries are told
    :raises ConfigurationError: the configuration cannot work
    """
    settings = recovery_settings(conf)
    clock = SystemClock()
    world = World(
        clock=clock,
        database=database,
        compute=compute,
        access=NovaAccess(compute, clock),
        calls=futures.ThreadPoolExecutor(
            settings.window_ceiling, thread_name_prefix="nova"
        ),
        settings=settings,
        slots=Slots(settings.window_ceiling),
        events=events,
        stopping=threading.Event(),
        drain_timeout=conf.graceful_shutdown_timeout,
    )
    return Engine(
        world,
        Flows.from_conf(conf),
        identity=_identity(conf),
        capacity=conf.concurrent_recoveries,
        lease=conf.notification_lease,
        renewal=conf.notification_lease_renewal,
        poll_interval=conf.notification_poll_interval,
    )


def _identity(conf: cfg.ConfigOpts) -> Identity:
    return Identity(
        name=f"{conf.host}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        host=conf.host,
        version=metadata.version(configuration.PROJECT),
        started_at=SystemClock().utcnow().replace(microsecond=0),
    )


def make_server(
    conf: cfg.ConfigOpts, engine: Engine, database: Database
) -> EngineServer:
    """What has casts wake the engine, once it is started.

    The broker may be away: the engine works without it, and is woken again
    when it is back.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """
    records = progress.database(conf, database)
    return EngineServer(
        conf,
        EngineEndpoint(
            engine.wake,
            lambda uuid, status: records.read(
                progress.of_notification, uuid, status
            ),
        ),
    )


def listen(
    conf: cfg.ConfigOpts, engine: Engine, database: Database
) -> Callable[[], None]:
    """Start what :func:`make_server` makes; returns what stops it.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """
    server = make_server(conf, engine, database)
    server.start()
    return server.stop


class Program:
    """An engine and what it needs around it, from its start to its end.

    :raises ConfigurationError: ``conf`` cannot work
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._database = Database.from_conf(conf)
        self._events = publisher.Notifier(conf, publisher.Binary.ENGINE)
        self._engine = build(
            conf,
            database=self._database,
            compute=NovaClient.from_conf(conf),
            events=self._events,
        )
        self._server = make_server(conf, self._engine, self._database)
        self._health = self._make_health(conf)

    def _make_health(self, conf: cfg.ConfigOpts) -> HealthServer | None:
        if not conf.engine_health_port:
            return None
        dependencies = readiness.Dependencies(self._database, Broker(conf))
        return HealthServer(
            conf.engine_health_listen,
            conf.engine_health_port,
            Health(self._engine, self._server, dependencies),
        )

    def wait_for_database(self) -> None:
        """Tell of one's health meanwhile, if that is wanted.

        :raises OSError: it cannot be told where it is wanted
        :raises ServiceUnavailable: the database did not come
        :raises ConfigurationError: it is not of this release
        """
        if self._health is not None:
            with _signals_blocked():
                self._health.start()
        LOG.info("The engine waits for the database")
        self._database.connect()
        schema.check(self._database)

    def start(self) -> None:
        """Look for work, and listen to the bus as soon as it is there."""
        self._server.start()
        self._engine.start()
        LOG.info("The engine has started")

    def stop(self) -> None:
        """Finish what is in flight, within the time for that, and close."""
        LOG.info("The engine stops: it finishes what is in flight")
        self._server.stop()
        self._engine.stop()
        self._events.close()
        if self._health is not None:
            self._health.stop()
        self._database.dispose()
        LOG.info("The engine has stopped")


def main() -> int:
    """Run an engine until it is told to stop."""
    # Until it works, SIGTERM and SIGINT simply end it; SIGHUP has to wait.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        conf = configuration.load(
            sys.argv[1:], prog="masakari-engine", into=configuration.CONF
        )
    except cfg.Error as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        startup.begin(conf)
        configuration.log_absence(conf)
        configuration.log_ignored(conf)
        program = Program(conf)
        program.wait_for_database()
    except (exception.MasakariException, cfg.Error, OSError) as error:
        startup.refuse("The engine cannot start", error)
        return 1
    # Threads inherit the mask, so signals are for this one only.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    code = _run(program, conf)
    logging.shutdown()
    # Calls that Nova does not answer are still open in other threads.
    os._exit(code)


def _run(program: Program, conf: cfg.ConfigOpts) -> int:
    """Work until the end; returns the exit status."""
    try:
        program.start()
        _wait_for_the_end(conf)
        program.stop()
    except BaseException:
        # Without this thread the others would go on to claim what nobody
        # works on, deaf to signals.
        LOG.critical("The engine ends unexpectedly", exc_info=True)
        return 1
    return 0


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Threads inherit the mask, so signals are for the main one only."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for_the_end(conf: cfg.ConfigOpts) -> None:
    """Wait for SIGTERM or SIGINT; a second one then ends it at once."""
    while signal.sigwait(_SIGNALS) == signal.SIGHUP:
        configuration.mutate(conf)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    sys.exit(main())
