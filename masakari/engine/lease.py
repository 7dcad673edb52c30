# SPDX-License-Identifier: Apache-2.0
"""A claim as the engine that holds it sees it."""

import threading

from masakari import exception
from masakari.domain.model import Claim, ResourceClaim
from masakari.engine.clock import Clock


class ResourceLease:
    """How long the engine may act on a claim.

    The database keeps the lease. This copy ends no later, since it counts
    from before the database was asked, on a clock that also runs while the
    process is stopped: an engine that was away for longer than its lease
    finds out before it acts again.

    :param seconds: length of the lease
    :param asked_at: monotonic time just before the claim was made
    """

    def __init__(
        self,
        claim: ResourceClaim,
        clock: Clock,
        *,
        seconds: float,
        asked_at: float,
    ) -> None:
        self.claim = claim
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._ends_at = asked_at + seconds
        self._lost = False

    def extend(self, *, asked_at: float) -> None:
        """The database renewed the lease when asked at ``asked_at``."""
        with self._lock:
            self._ends_at = max(self._ends_at, asked_at + self.seconds)

    def lose(self) -> None:
        """The claim is over, or somebody else's; nothing extends it again."""
        with self._lock:
            self._lost = True

    @property
    def held(self) -> bool:
        with self._lock:
            ends_at = self._ends_at
            return not self._lost and self._clock.monotonic() < ends_at

    def check(self) -> None:
        """Call before every act.

        :raises ClaimLost: the lease is over
        """
        if not self.held:
            raise exception.ClaimLost(claim=self.claim)


class Lease(ResourceLease):
    """The same for a claim on a notification.

    :param owner: this engine's name
    :param taken_from: the name of the engine that held it until its lease
        ran out
    """

    claim: Claim

    def __init__(
        self,
        claim: Claim,
        clock: Clock,
        *,
        seconds: float,
        asked_at: float,
        owner: str,
        taken_from: str | None = None,
    ) -> None:
        super().__init__(claim, clock, seconds=seconds, asked_at=asked_at)
        self.owner = owner
        self.taken_from = taken_from
