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

from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception, rpc
from masakari.db import progress
from masakari.db.session import Database
from masakari.engine.clock import SystemClock
from masakari.engine.endpoint import EngineEndpoint
from masakari.engine.flows import Flows
from masakari.engine.service import Engine
from masakari.engine.settings import recovery_settings
from masakari.engine.slots import Slots
from masakari.engine.world import World
from masakari.nova.client import NovaClient
from masakari.nova.port import ComputePort

LOG = logging.getLogger(__name__)


def build(
    conf: cfg.ConfigOpts, *, database: Database, compute: ComputePort
) -> Engine:
    """Put an engine together.

    :raises ConfigurationError: the configuration cannot work
    """
    settings = recovery_settings(conf)
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
        stopping=threading.Event(),
        drain_timeout=conf.graceful_shutdown_timeout,
    )
    return Engine(
        world,
        owner=f"{conf.host}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        capacity=conf.concurrent_recoveries,
        lease=conf.notification_lease,
        renewal=conf.notification_lease_renewal,
        poll_interval=conf.notification_poll_interval,
    )


def listen(
    conf: cfg.ConfigOpts, engine: Engine, database: Database
) -> Callable[[], None]:
    """Have casts wake the engine; returns what stops that.

    The broker may be away: the engine works without it, and is woken again
    when it is back.
    """
    records = progress.database(conf, database)
    server = rpc.get_server(
        conf,
        rpc.get_transport(conf),
        EngineEndpoint(
            engine.wake,
            lambda uuid: records.read(progress.of_notification, uuid),
        ),
    )
    threading.Thread(target=server.start, name="rpc", daemon=True).start()

    def stop() -> None:
        server.stop()

    return stop


def main() -> int:
    """Run an engine until it is told to stop."""
    try:
        conf = configuration.load(sys.argv[1:], prog="masakari-engine")
    except cfg.Error as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configuration.setup_logging(conf)
    configuration.log_ignored(conf)
    try:
        database = Database.from_conf(conf)
        engine = build(
            conf, database=database, compute=NovaClient.from_conf(conf)
        )
    except exception.ConfigurationError as error:
        LOG.critical("The engine cannot start: %s", error)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: conf.mutate_config_files())
    engine.start()
    stop_listening = listen(conf, engine, database)
    LOG.info("The engine has started")
    stop.wait()
    LOG.info("The engine stops: it finishes what is in flight")
    stop_listening()
    engine.stop()
    LOG.info("The engine has stopped")
    return 0
