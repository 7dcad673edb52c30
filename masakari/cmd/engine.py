# SPDX-License-Identifier: Apache-2.0
"""``masakari-engine``: recovers what notifications report."""

import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent import futures
from importlib import metadata

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception, rpc
from masakari.db import progress, registry, schema
from masakari.db.session import Database
from masakari.engine.clock import SystemClock
from masakari.engine.endpoint import EngineEndpoint
from masakari.engine.flows import Flows
from masakari.engine.service import Engine
from masakari.engine.settings import recovery_settings
from masakari.engine.slots import Slots
from masakari.engine.world import World
from masakari.events import publisher
from masakari.nova.client import NovaClient
from masakari.nova.port import ComputePort

LOG = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def build(
    conf: cfg.ConfigOpts,
    *,
    database: Database,
    compute: ComputePort,
    events: publisher.Publisher | None = None,
) -> Engine:
    """Put an engine together.

    :param events: where recoveries are told; None takes what ``conf`` says
    :raises ConfigurationError: the configuration cannot work
    """
    settings = recovery_settings(conf)
    if events is None:
        events = publisher.Notifier(conf, publisher.Binary.ENGINE)
    world = World(
        clock=SystemClock(),
        database=database,
        compute=compute,
        calls=futures.ThreadPoolExecutor(
            settings.window_ceiling, thread_name_prefix="nova"
        ),
        settings=settings,
        slots=Slots(settings.window_ceiling),
        flows=Flows.from_conf(conf),
        events=events,
        stopping=threading.Event(),
        drain_timeout=conf.graceful_shutdown_timeout,
    )
    return Engine(
        world,
        identity=_identity(conf),
        capacity=conf.concurrent_recoveries,
        lease=conf.notification_lease,
        renewal=conf.notification_lease_renewal,
        poll_interval=conf.notification_poll_interval,
    )


def _identity(conf: cfg.ConfigOpts) -> registry.Identity:
    return registry.Identity(
        name=f"{conf.host}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        host=conf.host,
        version=metadata.version(configuration.PROJECT),
        started_at=SystemClock().utcnow().replace(microsecond=0),
    )


def make_server(
    conf: cfg.ConfigOpts, engine: Engine, database: Database
) -> rpc.EngineServer:
    """What has casts wake the engine, once it is started.

    The broker may be away: the engine works without it, and is woken again
    when it is back.

    :raises ConfigurationError: ``transport_url`` makes no sense
    """
    records = progress.database(conf, database)
    return rpc.EngineServer(
        conf,
        EngineEndpoint(
            engine.wake,
            lambda uuid: records.read(progress.of_notification, uuid),
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


def main() -> int:
    """Run an engine until it is told to stop."""
    # Until it works, SIGTERM and SIGINT simply end it; SIGHUP has to wait.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        conf = configuration.load(sys.argv[1:], prog="masakari-engine")
    except cfg.Error as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configuration.setup_logging(conf)
    configuration.log_ignored(conf)
    try:
        database = Database.from_conf(conf)
        events = publisher.Notifier(conf, publisher.Binary.ENGINE)
        engine = build(
            conf,
            database=database,
            compute=NovaClient.from_conf(conf),
            events=events,
        )
        server = make_server(conf, engine, database)
        LOG.info("The engine waits for the database")
        database.connect()
        schema.check(database)
    except exception.MasakariException as error:
        LOG.critical("The engine cannot start: %s", error)
        return 1
    # Threads inherit the mask, so signals are for this one only.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    server.start()
    engine.start()
    LOG.info("The engine has started")
    _wait_for_the_end(conf)
    LOG.info("The engine stops: it finishes what is in flight")
    server.stop()
    engine.stop()
    events.close()
    database.dispose()
    LOG.info("The engine has stopped")
    logging.shutdown()
    # Calls that Nova does not answer are still open in other threads.
    os._exit(0)


def _wait_for_the_end(conf: cfg.ConfigOpts) -> None:
    """Wait for SIGTERM or SIGINT; a second one then ends it at once."""
    while signal.sigwait(_SIGNALS) == signal.SIGHUP:
        try:
            conf.mutate_config_files()
        except cfg.Error as error:
            LOG.error("The configuration stays as it was: %s", error)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    sys.exit(main())
