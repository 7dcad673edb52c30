# SPDX-License-Identifier: Apache-2.0
"""One notification in the hands of this engine: what its recovery uses."""

import datetime
import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import tenacity

from masakari import context, exception
from masakari.db import hosts
from masakari.domain.model import Host, Notification
from masakari.domain.server import Migration, Server
from masakari.engine.announcements import Announcements
from masakari.engine.journal import Journal
from masakari.engine.lease import Lease
from masakari.engine.world import World
from masakari.nova import port
from masakari.nova.port import ComputePort

T = TypeVar("T")

#: Seconds for which a call is repeated that Nova could not answer. After
#: them the recovery is put back, and waits for Nova where all can see it.
PERSISTENCE = 30.0

#: The longest pause between two tries of what Nova could not do, in seconds.
LONGEST_PAUSE = 10.0


class Recovery:
    """A claimed notification, and the world as its recovery meets it."""

    def __init__(self, world: World, lease: Lease) -> None:
        self.world = world
        self.lease = lease
        self.context = context.admin(lease.claim.request_id)
        self.journal = Journal(
            world.database,
            world.clock,
            lease,
            Announcements(world.events, self.context),
        )
        self.compute: ComputePort = world.compute.for_claim(
            self.context.request_id, lease.check
        )
        #: What Nova showed on the failed host when moves were last planned,
        #: by uuid; None when none have been planned.
        self.servers: dict[str, Server] | None = None
        #: The instances that it has asked Nova to evacuate.
        self.asked: set[str] = set()
        #: When hosts were first seen to be down, and Nova's evacuation records
        #: to be as they are; in monotonic seconds.
        self.down_since: dict[str, float] = {}
        self.records_seen: dict[Migration, float] = {}
        #: Monotonic seconds at which Nova has begun what another engine has
        #: asked it for before, or never will.
        self.inherited_until = world.clock.monotonic()
        asked_ago = lease.claim.asked_ago
        if asked_ago is not None:
            # A request leaves at the end of its engine's lease at the latest.
            self.inherited_until += max(
                0.0,
                world.settings.evacuation_start_timeout
                + lease.seconds
                - asked_ago,
            )

    @functools.cached_property
    def host(self) -> Host:
        """The host that the notification is about, as it was at first.

        :raises HostNotFound: it is not registered any more
        """
        return self.world.database.read(
            hosts.get, self.notification.source_host_uuid
        )

    @property
    def notification(self) -> Notification:
        return self.lease.claim.notification

    @property
    def key(self) -> tuple[int, str]:
        """No other claim has it; who was reported first comes first."""
        return self.notification.id, self.lease.claim.token

    def check(self) -> None:
        """Call before every act, and in every wait.

        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the engine has been told to stop
        """
        self.lease.check()
        if self.world.stopping.is_set():
            raise exception.RecoveryInterrupted(uuid=self.notification.uuid)

    @property
    def expired(self) -> bool:
        """By the server's own clock; the sender's may be wrong."""
        if self.notification.created_at is None:
            return False
        age = self.world.clock.utcnow() - self.notification.created_at
        return age > datetime.timedelta(seconds=self.world.settings.expiry)

    def persistently(self, call: Callable[..., T], *args: Any) -> T:
        """Make a call that may safely be repeated until Nova can answer it.

        For as long as :data:`PERSISTENCE`: in a disaster Nova's own API and
        Keystone are often away for a moment too.

        :raises port.ComputeError: Nova's refusal, or its last failure
        :raises RecoveryAbandoned: it is no longer ours to make
        """
        clock = self.world.clock
        ends_at = clock.monotonic() + PERSISTENCE
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(port.Unavailable),
            wait=tenacity.wait_exponential(max=LONGEST_PAUSE),
            stop=lambda _state: clock.monotonic() >= ends_at,
            sleep=self.pause,
            reraise=True,
        )
        return retrying(call, *args)

    def pause(self, seconds: float) -> None:
        """Wait, but not for longer than the engine runs."""
        self.world.clock.wait(self.world.stopping, seconds)
        self.check()

    def linger(self, seconds: float) -> None:
        """Wait in the midst of what must not be left half done.

        An engine that is to stop still brings it to its end. Only the
        failure of the whole host goes before it.

        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the host has failed
        """
        self.world.clock.wait(threading.Event(), seconds)
        self.give_way()

    def give_way(self) -> None:
        """Call before every act on an instance or a service of a host.

        When the whole host has failed too, its recovery sees to them.

        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the whole host has failed
        """
        self.lease.check()
        if self.journal.host_is_failing() and not self._host_is_up():
            raise exception.RecoveryInterrupted(uuid=self.notification.uuid)

    def _host_is_up(self) -> bool:
        """Whether the report of the host's failure is wrong, or too early."""
        try:
            return self.compute.compute_service(self.host.name).up
        except port.ComputeError:
            return False
