# SPDX-License-Identifier: Apache-2.0
"""One instance on its way from the failed host."""

import dataclasses
import enum

from masakari.db.moves import Outcome, PlannedMove
from masakari.domain.model import VMoveStatus
from masakari.domain.planner import instance as planner
from masakari.domain.planner.host import Goal
from masakari.domain.planner.instance import Step
from masakari.domain.server import Migration, Server

#: The longest pause between two tries, in seconds.
LONGEST_PAUSE = 10.0


class Phase(enum.Enum):
    READY = "to be evacuated when there is room for it"
    CALLING = "a call to Nova is under way"
    FLYING = "Nova evacuates it; its record is watched"
    LOOKING = "its server is to be read"
    DONE = "its end is known"


@dataclasses.dataclass(kw_only=True)
class Flight:
    """A move and where it stands; times are monotonic seconds.

    :param due_at: nothing is done before
    :param first_asked_at: when Nova was first asked to evacuate it
    :param asked_at: when the last call for it began
    :param settling_since: when its evacuation was first seen to be over
    :param baseline: the newest evacuation record that is not of this one
    :param record: Nova's record of this evacuation
    :param in_doubt: Nova did not say whether it took the last request
    :param trouble: why the last try did not work
    """

    planned: PlannedMove
    phase: Phase
    server: Server | None = None
    due_at: float = 0.0
    first_asked_at: float | None = None
    asked_at: float = 0.0
    settling_since: float | None = None
    failures: int = 0
    baseline: int = 0
    record: Migration | None = None
    in_doubt: bool = False
    has_slot: bool = False
    trouble: str = ""

    @property
    def uuid(self) -> str:
        return self.planned.move.instance_uuid

    @property
    def ends_running(self) -> bool:
        return self.planned.move.origin.goal is Goal.ACTIVE

    def next_step(self, server: Server, source_host: str) -> Step:
        return planner.next_step(
            server,
            source_host=source_host,
            goal=self.planned.move.origin.goal,
            evacuation=self.record,
        )

    def look(self, *, at: float) -> None:
        """Read the server, not before ``at``."""
        self.phase = Phase.LOOKING
        self.due_at = at

    def retry(self, *, now: float, after: float = 0.0) -> None:
        """Try again after a growing pause, of at least ``after`` seconds."""
        pause = min(2.0 ** min(self.failures, 8), LONGEST_PAUSE)
        self.failures += 1
        self.in_doubt = False
        self.look(at=now + max(pause, after))

    def forget_record(self) -> None:
        """Start over: what Nova has recorded so far is history."""
        if self.record is not None:
            self.baseline = self.record.id
        self.record = None

    def outcome(
        self,
        status: VMoveStatus,
        *,
        dest_host: str | None = None,
        message: str | None = None,
    ) -> Outcome:
        """End it."""
        self.phase = Phase.DONE
        return Outcome(
            vmove_uuid=self.planned.vmove.uuid,
            status=status,
            dest_host=dest_host,
            message=message,
        )
