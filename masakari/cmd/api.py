# SPDX-License-Identifier: Apache-2.0
"""``masakari-api``: the REST API with a server of its own.

Gunicorn keeps worker processes, which share the socket. They are forked
before anything that does not survive a fork exists, and replaced when they
die. What serves in each of them is not Gunicorn's: there a client that stops
in the midst of a request holds a thread for as long as it likes.
"""

import logging
import math
import os
import pathlib
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from gunicorn import arbiter, glogging
from gunicorn.app import base
from gunicorn.errors import HaltServer
from gunicorn.workers import base as workers
from oslo_config import cfg

from masakari import conf as configuration
from masakari import exception, httpd
from masakari.api import app, server, wsgi
from masakari.cmd import startup
from masakari.events import publisher

LOG = logging.getLogger(__name__)

#: Seconds after which a worker that has stood still is replaced.
_HANGS = 60

#: Seconds that a worker has to end after what it was answering.
_FAREWELL = 3

#: Bytes of a reason: what a pipe takes at once.
_LONGEST = 4096


class Logger(glogging.Logger):
    """Gunicorn's, which writes to our log."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.error_log.propagate = True


class Worker(workers.Worker):
    """One process that answers requests."""

    _events: publisher.Notifier
    _server: httpd.Server
    _reloading = False

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGHUP, self._handle_hangup)

    def load_wsgi(self) -> None:
        """Put the server together, or end the program."""
        conf = self.app.conf
        try:
            self._events = publisher.Notifier(conf, publisher.Binary.API)
            self._server = server.make(
                conf,
                app.load(conf, events=self._events),
                self.sockets[0].sock,
            )
        except (exception.ConfigurationError, cfg.Error, OSError) as error:
            self.app.give_up(error)
        except Exception as error:
            LOG.exception("The API cannot be put together")
            self.app.give_up(error)

    def run(self) -> None:
        """Answer requests until told to stop, and then what is left."""
        while self.alive and os.getppid() == self.ppid:
            self.notify()
            self._server.step()
            if self._reloading:
                self._reloading = False
                configuration.mutate(self.app.conf)
        self._server.drain()
        self._events.close()
        logging.shutdown()
        # Casts that the broker does not take are still open elsewhere.
        os._exit(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._wake()

    def _handle_hangup(self, _sig: int, _frame: FrameType | None) -> None:
        self._reloading = True
        self._wake()

    def _wake(self) -> None:
        if self.booted:
            self._server.wake()


class Arbiter(arbiter.Arbiter):
    """Gunicorn's, whose workers stay when options are read again."""

    _halting = False

    def handle_hup(self) -> None:
        # For workers that are forked later.
        configuration.mutate(self.app.conf)
        self.kill_workers(signal.SIGHUP)

    def handle_usr2(self) -> None:
        """Another program in this one's place would lack the socket."""
        LOG.warning("SIGUSR2 is ignored")

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        self._halting = True
        super().halt(reason, exit_status)

    def reap_workers(self) -> None:
        """One worker that gives up stops all; that others do is no news."""
        try:
            super().reap_workers()
        except HaltServer:
            if not self._halting:
                raise


class Program(base.BaseApplication):
    """What Gunicorn has to know.

    :param listener: where clients connect
    """

    def __init__(self, conf: cfg.ConfigOpts, listener: socket.socket) -> None:
        self.conf = conf
        self._listener = listener
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        super().__init__(prog="masakari-api")

    def load_config(self) -> None:
        settings = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": self.conf.masakari_api_workers or processors(),
            "worker_class": Worker,
            "timeout": _HANGS,
            "graceful_timeout": server.grace(self.conf) + _FAREWELL,
            "proc_name": "masakari-api",
            "logger_class": Logger,
            "errorlog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> wsgi.Application:
        """Not asked for: workers put their servers together."""
        raise NotImplementedError

    def run(self) -> None:
        """Run until told to stop; raises SystemExit in any process."""
        Arbiter(self).run()

    def give_up(self, error: Exception) -> None:
        """End this worker, and with it the program, for this reason."""
        reason = " ".join((startup.in_words(error) or repr(error)).split())
        # One piece, which those of other workers do not get into.
        line = reason.encode(errors="backslashreplace")[: _LONGEST - 1]
        os.write(self._writing, line + b"\n")
        sys.exit(arbiter.Arbiter.WORKER_BOOT_ERROR)

    @property
    def reason(self) -> str | None:
        """Why a worker has given up; the first one's, if several have."""
        try:
            said = os.read(self._reading, _LONGEST)
        except BlockingIOError:
            return None
        return said.decode(errors="replace").partition("\n")[0]


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
        server.tls(conf)
        listener = server.listen(conf)
    except (exception.ConfigurationError, OSError) as error:
        startup.refuse("The API cannot start", error)
        return 1
    LOG.info("The API listens on %s port %s.", *listener.getsockname()[:2])
    return _run(Program(conf, listener))


def _run(program: Program) -> int:
    """Returns the exit status, and does not return in a worker."""
    pid = os.getpid()
    try:
        program.run()
    except SystemExit as stopped:
        if os.getpid() != pid:
            raise
        if not stopped.code:
            return 0
    reason = program.reason or "its workers have ended"
    startup.refuse("The API cannot start", RuntimeError(reason))
    return 1


def processors(
    groups: pathlib.Path = pathlib.Path("/proc/self/cgroup"),
    mounted: pathlib.Path = pathlib.Path("/sys/fs/cgroup"),
) -> int:
    """How many processors' worth of time this process may use.

    :param groups: its control groups
    :param mounted: where their limits are
    """
    allowed = [float(len(os.sched_getaffinity(0)))]
    try:
        lines = groups.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if not controllers:
            allowed += _limits(mounted, path)
        elif "cpu" in controllers.split(","):
            allowed += _limits(mounted / "cpu", path)
    return max(1, math.ceil(min(allowed)))


def _limits(root: pathlib.Path, path: str) -> Iterator[float]:
    """Of a group and those above it, in processors."""
    directory = root / path.lstrip("/")
    while directory.is_relative_to(root):
        # A group of version 2 has the former, one of version 1 the latter.
        text = _read(directory, "cpu.max") or _read(
            directory, "cpu.cfs_quota_us", "cpu.cfs_period_us"
        )
        if text:
            quota, period = text.split()
            if quota not in ("max", "-1"):
                yield int(quota) / int(period)
        directory = directory.parent


def _read(directory: pathlib.Path, *names: str) -> str:
    try:
        return " ".join((directory / name).read_text() for name in names)
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
