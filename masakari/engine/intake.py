# SPDX-License-Identifier: Apache-2.0
"""Which notifications this engine works on: claiming and keeping them."""

import contextlib
import datetime
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import TypeVar

from masakari import exception
from masakari.db import claims, due
from masakari.domain.model import (
    Candidate,
    Claim,
    NotificationType,
    ResourceClaim,
)
from masakari.engine.lease import Lease, ResourceLease
from masakari.engine.world import World

LOG = logging.getLogger(__name__)

L = TypeVar("L", bound=ResourceLease)

#: Candidates looked at in one poll. More are seen in the next one.
BATCH = 1000


class Intake:
    """Claims what is due and hands it to ``recover`` in a pool of threads.

    :param owner: this engine's name in the claims it holds
    :param capacity: notifications worked on at once
    :param lease: seconds that a claim lives without renewal
    :param recover: carries one to its end; called in a thread of ``pool``
    :param on_done: called whenever a recovery has ended, well or not
    """

    def __init__(
        self,
        world: World,
        pool: futures.Executor,
        *,
        owner: str,
        capacity: int,
        lease: float,
        recover: Callable[[Lease], None],
        on_done: Callable[[], None],
    ) -> None:
        self._world = world
        self._pool = pool
        self._owner = owner
        self._capacity = capacity
        self._seconds = lease
        self._recover = recover
        self._on_done = on_done
        self._lock = threading.Lock()
        self._leases: dict[str, ResourceLease] = {}
        self._unreadable: set[str] = set()

    @property
    def leases(self) -> list[ResourceLease]:
        """What the engine works on now."""
        with self._lock:
            return list(self._leases.values())

    def poll(self) -> int:
        """Claim as much of what is due as there is room for.

        :returns: how many notifications were claimed
        :raises ServiceUnavailable: the database is away
        """
        claimed = 0
        if self._room() <= 0 or self._world.access.denied is not None:
            return claimed
        for candidate in self._candidates():
            if self._room() <= 0:
                break
            if not self._may_take(candidate) or self._waits(candidate):
                continue
            lease = self._claim_if_readable(candidate)
            if lease is not None:
                claimed += 1
                self._pool.submit(self._work, lease)
        return claimed

    def renew(self) -> None:
        """Prolong every claim; those that are lost stop their recovery.

        In one commit: where each takes its time, many would take longer
        than the first of them holds.

        :raises ServiceUnavailable: the database is away
        """
        leases = {lease.claim.token: lease for lease in self.leases}
        if not leases:
            return
        asked_at = self._world.clock.monotonic()
        renewed: Mapping[str, bool] = self._world.database.write(
            claims.renew_all,
            [lease.claim for lease in leases.values()],
            lease=self._seconds,
        )
        for token, kept in renewed.items():
            if kept:
                leases[token].extend(asked_at=asked_at)
            else:
                leases[token].lose()

    def release(self) -> None:
        """Stop what is still being worked on.

        It is in the midst of a call, to Nova or to the database, that nobody
        can stop. Others may have it when its lease ends, not before.
        """
        for lease in self.leases:
            lease.lose()
            LOG.warning(
                "The claim on %s is left to others when its lease ends",
                lease.claim,
            )

    @contextlib.contextmanager
    def hold(self, host_uuid: str) -> Iterator[ResourceLease | None]:
        """Keep others off a host for what nobody has reported.

        None where the host has an owner, or notifications with work to do.

        :raises ServiceUnavailable: the database is away
        """
        lease = None
        if not self._world.stopping.is_set():
            lease = self._claim_host(host_uuid)
        if lease is None:
            yield None
            return
        try:
            yield lease
        finally:
            try:
                self._world.database.write(claims.hand_back, lease.claim)
            finally:
                self._forget(lease)

    def _claim_host(self, host_uuid: str) -> ResourceLease | None:
        database, clock = self._world.database, self._world.clock
        database.write(claims.open_row, host_uuid)
        asked_at = clock.monotonic()
        claim: ResourceClaim | None = database.write(
            claims.claim_host,
            host_uuid,
            owner=self._owner,
            token=str(uuid.uuid4()),
            lease=self._seconds,
        )
        if claim is None:
            return None
        return self._keep(
            ResourceLease(
                claim, clock, seconds=self._seconds, asked_at=asked_at
            )
        )

    def _room(self) -> int:
        """How many more may be claimed; none while stopping."""
        if self._world.stopping.is_set():
            return 0
        return self._capacity - len(self.leases)

    def _may_take(self, candidate: Candidate) -> bool:
        """The last quarter of the room is for hosts that fail.

        Many instances may crash at once, and each takes its time.
        """
        if candidate.type == NotificationType.COMPUTE_HOST:
            return True
        return self._room() > self._capacity // 4

    def _waits(self, candidate: Candidate) -> bool:
        """It waits for Nova, and Nova does not answer this engine yet.

        One that has expired ends all the same.
        """
        if candidate.waiting_for is None or self._world.access.usable:
            return False
        world, reported_at = self._world, candidate.reported_at
        expires_after = datetime.timedelta(seconds=world.settings.expiry)
        return (
            reported_at is None
            or world.clock.utcnow() - reported_at <= expires_after
        )

    def _candidates(self) -> list[Candidate]:
        """The first of each subject: the others have to wait for it anyway."""
        found = self._world.database.read(due.candidates, limit=BATCH)
        first: dict[str, Candidate] = {}
        for candidate in found:
            first.setdefault(candidate.subject, candidate)
        return list(first.values())

    def _claim_if_readable(self, candidate: Candidate) -> Lease | None:
        """A row that cannot be understood must not keep the others waiting.

        It may be one of a newer release, and is left to its engines.
        """
        try:
            return self._claim(candidate)
        except exception.ServiceUnavailable:
            raise
        except Exception:
            uuid = candidate.notification_uuid
            if uuid not in self._unreadable:
                self._unreadable.add(uuid)
                LOG.exception("Notification %s cannot be worked on", uuid)
            return None

    def _claim(self, candidate: Candidate) -> Lease | None:
        database, clock = self._world.database, self._world.clock
        database.write(claims.open_row, candidate.subject)
        asked_at = clock.monotonic()
        claim: Claim | None = database.write(
            claims.claim,
            candidate,
            owner=self._owner,
            token=str(uuid.uuid4()),
            lease=self._seconds,
        )
        if claim is None:
            return None
        return self._keep(
            Lease(
                claim,
                clock,
                seconds=self._seconds,
                asked_at=asked_at,
                owner=self._owner,
                taken_from=candidate.left_by,
            )
        )

    def _keep(self, lease: L) -> L:
        with self._lock:
            self._leases[lease.claim.token] = lease
        return lease

    def _forget(self, lease: ResourceLease) -> None:
        # Calls that still wait for a thread are not to be made.
        lease.lose()
        with self._lock:
            self._leases.pop(lease.claim.token, None)

    def _work(self, lease: Lease) -> None:
        try:
            self._recover(lease)
        finally:
            self._forget(lease)
            self._on_done()
