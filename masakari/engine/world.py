# SPDX-License-Identifier: Apache-2.0
"""All that a recovery meets outside itself, handed in as one value."""

import dataclasses
import threading
from concurrent import futures

from masakari.db.session import Database
from masakari.domain.settings import RecoverySettings
from masakari.engine.clock import Clock
from masakari.engine.nova_access import NovaAccess
from masakari.engine.slots import Slots
from masakari.events.publisher import Publisher
from masakari.nova.port import ComputePort


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """The seams of the engine.

    :param access: whether this engine can use Nova
    :param calls: runs calls to Nova; its size bounds how many are open
    :param events: where the message bus is told of what happens
    :param stopping: set when the engine has been told to stop
    :param drain_timeout: seconds that stopping may take in all
    """

    clock: Clock
    database: Database
    compute: ComputePort
    access: NovaAccess
    calls: futures.Executor
    settings: RecoverySettings
    slots: Slots
    events: Publisher
    stopping: threading.Event
    drain_timeout: float = 60

    @property
    def watch_timeout(self) -> float:
        """Seconds of drain_timeout for watching evacuations in flight.

        The rest is for recording what became of them.
        """
        return 0.8 * self.drain_timeout
