# SPDX-License-Identifier: Apache-2.0
"""The engine as a process has it: its threads, its start and its end."""

import logging
import threading
from collections.abc import Callable
from concurrent import futures

from masakari import exception
from masakari.engine.intake import Intake
from masakari.engine.recovery import recover
from masakari.engine.world import World

LOG = logging.getLogger(__name__)


class Engine:
    """Looks for work, does it, and keeps its claims alive meanwhile.

    :param world: what recoveries meet
    :param owner: the engine's name in its claims; no two may share one
    :param capacity: notifications worked on at once
    :param lease: seconds that a claim lives without renewal
    :param renewal: seconds between renewals
    :param poll_interval: seconds between looks for work when nobody wakes it
    """

    def __init__(
        self,
        world: World,
        *,
        owner: str,
        capacity: int,
        lease: float,
        renewal: float,
        poll_interval: float,
    ) -> None:
        self._world = world
        self._poll_interval = poll_interval
        self._renewal = renewal
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._pool = futures.ThreadPoolExecutor(
            capacity, thread_name_prefix="recovery"
        )
        self._intake = Intake(
            world,
            self._pool,
            owner=owner,
            capacity=capacity,
            lease=lease,
            recover=recover,
            idle=self.wake,
        )
        self._poller = threading.Thread(
            target=self._poll, name="poll", daemon=True
        )
        self._renewer = threading.Thread(
            target=self._renew, name="renew", daemon=True
        )

    def start(self) -> None:
        """Begin to look for work."""
        self._poller.start()
        self._renewer.start()

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more, finish what is in flight, hand the rest over.

        Takes the world's ``drain_timeout`` at most.
        """
        self._world.stopping.set()
        self.wake()
        done = threading.Event()
        threading.Thread(
            target=self._finish, args=(done,), daemon=True
        ).start()
        if not done.wait(self._world.drain_timeout):
            LOG.warning("Recoveries are still running; they are handed over")
        self._intake.release()
        self._stopped.set()

    def _finish(self, done: threading.Event) -> None:
        # What the last look for work claims still has to find the pool open.
        if self._poller.is_alive():
            self._poller.join()
        self._pool.shutdown()
        done.set()

    def _poll(self) -> None:
        while not self._world.stopping.is_set():
            self._wake.clear()
            self._despite_outages("Looking for work", self._intake.poll)
            self._wake.wait(self._poll_interval)

    def _renew(self) -> None:
        while not self._stopped.wait(self._renewal):
            self._despite_outages("Renewing claims", self._intake.renew)

    def _despite_outages(
        self, what: str, action: Callable[[], object]
    ) -> None:
        try:
            action()
        except exception.ServiceUnavailable as error:
            LOG.warning("%s failed and is tried again: %s", what, error)
        except Exception:
            # A thread that ends here would leave an engine that lives and
            # does nothing.
            LOG.exception("%s failed unexpectedly and is tried again", what)
