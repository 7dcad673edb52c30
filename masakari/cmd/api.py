# SPDX-License-Identifier: Apache-2.0
"""``masakari-api``: the REST API with a server of its own.

Worker processes share the address. They are forked before anything that
does not survive a fork exists, and replaced when they die.
"""

import functools
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable

import cotyledon
from cotyledon import types
from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception
from masakari.api import app, server
from masakari.cmd import startup
from masakari.events import publisher

LOG = logging.getLogger(__name__)

#: Exit status of a worker that a new one would not do better than.
_HOPELESS = 78


class Worker(cotyledon.Service):
    """One process that answers requests."""

    name = "masakari-api"

    def __init__(
        self, worker_id: types.WorkerId, conf: cfg.ConfigOpts
    ) -> None:
        super().__init__(worker_id)
        self.conf = conf
        self.server: server.Server | None = None
        self.events: publisher.Notifier | None = None

    def run(self) -> None:
        """Answer requests until :meth:`terminate`."""
        try:
            self.events = publisher.Notifier(self.conf, publisher.Binary.API)
            self.server = server.make(
                self.conf,
                app.load(self.conf, events=self.events),
                reuse_port=True,
            )
            server.bind(self.server, self.conf.wsgi.tcp_keepidle)
        except (exception.ConfigurationError, cfg.Error, OSError) as error:
            startup.refuse("The API cannot start", error)
            sys.exit(_HOPELESS)
        LOG.info("The API listens on %s port %s.", *self.server.bind_addr)
        self.server.serve()

    def terminate(self) -> None:
        """Finish what is being answered."""
        if self.server is not None:
            self.server.stop()
        if self.events is not None:
            self.events.close()

    def reload(self) -> None:
        """Take over mutable options."""
        configuration.mutate(self.conf)


def main() -> int:
    """Run the API until it is told to stop.

    :returns: 0; 1 when it cannot start; 2 when the configuration cannot be
        read
    """
    try:
        conf = configuration.load(sys.argv[1:], prog="masakari-api")
    except cfg.Error as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        startup.begin(conf)
        configuration.log_absence(conf)
        configuration.log_ignored(conf)
        server.check_address(conf)
    except (exception.ConfigurationError, OSError) as error:
        startup.refuse("The API cannot start", error)
        return 1
    hopeless: list[int] = []
    manager = cotyledon.ServiceManager(
        graceful_shutdown_timeout=conf.graceful_shutdown_timeout,
        mp_context=multiprocessing.get_context("fork"),
    )
    manager.register_hooks(
        # For workers that are forked later.
        on_reload=functools.partial(configuration.mutate, conf),
        on_dead_worker=_judge(hopeless),
    )
    workers = conf.masakari_api_workers or os.cpu_count() or 1
    manager.add(Worker, workers=workers, args=(conf,))
    try:
        manager.run()
    except SystemExit as stopped:
        return 1 if hopeless else int(stopped.code or 0)
    return 0


def _judge(hopeless: list[int]) -> Callable[[object, int, int], None]:
    """Stop the program when a worker gives up."""

    def died(service_id: object, worker_id: int, exit_code: int) -> None:
        del service_id
        if exit_code == _HOPELESS and not hopeless:
            hopeless.append(worker_id)
            os.kill(os.getpid(), signal.SIGTERM)

    return died


if __name__ == "__main__":
    sys.exit(main())
