# SPDX-License-Identifier: Apache-2.0
"""The engine as a process has it: its threads, its start and its end."""

import functools
import logging
import threading
from concurrent import futures

from masakari import exception
from masakari.db import engines
from masakari.domain.model import Identity
from masakari.engine import housekeeping, nova_access
from masakari.engine.attempt import recover
from masakari.engine.flows import Flows
from masakari.engine.intake import Intake
from masakari.engine.loop import Loop
from masakari.engine.world import World

LOG = logging.getLogger(__name__)

#: Seconds that an engine which stops may use to say that it has gone.
_FAREWELL = 2
#: Seconds in which recoveries may hand themselves over, where no time is given
#: to finish what is in flight.
_HANDOVER = 1


class Engine:
    """Looks for work, does it, and keeps its claims alive meanwhile.

    :param world: what recoveries meet
    :param flows: the workflows that they run
    :param identity: who it is; no two may share a name
    :param capacity: notifications worked on at once
    :param lease: seconds that a claim lives without renewal
    :param renewal: seconds between renewals
    :param poll_interval: seconds between looks for work when nobody wakes it
    """

    def __init__(
        self,
        world: World,
        flows: Flows,
        *,
        identity: Identity,
        capacity: int,
        lease: float,
        renewal: float,
        poll_interval: float,
    ) -> None:
        self._world = world
        self._identity = identity
        self._lease = lease
        self._pool = futures.ThreadPoolExecutor(
            capacity, thread_name_prefix="recovery"
        )
        self._intake = Intake(
            world,
            self._pool,
            owner=identity.name,
            capacity=capacity,
            lease=lease,
            recover=functools.partial(recover, world, flows),
            on_done=self.wake,
        )
        # A turn ends with the first transaction that fails.
        patience = 2 * world.database.patience
        self._poller = Loop(
            self._intake.poll,
            what="Looking for work",
            interval=poll_interval,
            patience=patience,
        )
        self._renewer = Loop(
            self._intake.renew,
            what="Renewing claims",
            interval=renewal,
            patience=patience,
        )
        # In a thread of its own: it waits for Nova.
        self._housekeeper = Loop(
            housekeeping.Housekeeping(world, self._intake).run,
            what="Housekeeping",
            interval=housekeeping.INTERVAL,
            patience=patience,
        )
        self._nova = Loop(
            world.access.check,
            what="Asking Nova",
            interval=nova_access.RETRY_INTERVAL,
            patience=patience,
        )
        # In a thread of its own: no claim may be lost to a heartbeat that
        # has to wait.
        self._heart = Loop(
            self._beat,
            what="The heartbeat",
            interval=renewal,
            patience=patience,
        )

    def start(self) -> None:
        """Begin to look for work."""
        for loop in (
            self._poller,
            self._renewer,
            self._heart,
            self._nova,
            self._housekeeper,
        ):
            loop.start()

    def wake(self) -> None:
        """Look for work now."""
        self._poller.wake()

    @property
    def started(self) -> bool:
        """Whether it has begun to look for work."""
        return self._poller.begun

    @property
    def stopping(self) -> bool:
        """Whether it has been told to stop."""
        return self._world.stopping.is_set()

    @property
    def denied(self) -> str | None:
        """Why Nova does not let it in; it takes up nothing meanwhile."""
        return self._world.access.denied

    @property
    def troubles(self) -> list[str]:
        """What keeps it from working, for as long as it runs.

        A database or a broker that is away does not: that passes.
        """
        reasons = (self._poller.trouble, self._renewer.trouble)
        return [reason for reason in reasons if reason is not None]

    def stop(self) -> None:
        """Claim nothing more, finish what is in flight, hand the rest over.

        Takes the world's ``drain_timeout`` at most, and a moment to leave.
        """
        self._world.stopping.set()
        self._poller.end()
        self._nova.end()
        self._housekeeper.end()
        self._heart.wake()
        done = threading.Event()
        threading.Thread(
            target=self._finish, args=(done,), daemon=True
        ).start()
        if not done.wait(max(self._world.drain_timeout, _HANDOVER)):
            LOG.warning("Recoveries are still running; they are stopped")
        self._intake.release()
        self._renewer.end()
        self._heart.end()
        leaving = threading.Thread(target=self._leave, daemon=True)
        leaving.start()
        leaving.join(_FAREWELL)

    def _finish(self, done: threading.Event) -> None:
        # What the last look for work claims still has to find the pool open.
        self._poller.join()
        self._housekeeper.join()
        self._pool.shutdown()
        done.set()

    def _beat(self) -> None:
        self._world.database.write(
            engines.beat,
            self._identity,
            lease=self._lease,
            stopping=self._world.stopping.is_set(),
            trouble=self._world.access.denied,
        )

    def _leave(self) -> None:
        """After the last beat, which would bring it back."""
        self._heart.join()
        try:
            self._world.database.write(engines.leave, self._identity.name)
        except exception.ServiceUnavailable:
            LOG.warning(
                "Engine %s is listed as down for a day: the database is away",
                self._identity.name,
            )
