# SPDX-License-Identifier: Apache-2.0
"""One instance on its way from the failed host."""

import dataclasses
import enum

from masakari.domain.model import VMoveStatus
from masakari.domain.planner import move as planner
from masakari.domain.planner.host import Goal, PlannedMove
from masakari.domain.planner.move import Step
from masakari.domain.server import Migration, Server
from masakari.engine.recovery import LONGEST_PAUSE

#: Seconds for which less important instances wait for the reading of one.
READ_WITHIN = 3.0


class Phase(enum.Enum):
    READY = "to be evacuated when there is room for it"
    CALLING = "a call to Nova is under way"
    FLYING = "Nova evacuates it; its record is watched"
    LOOKING = "its server is to be read"
    REFUSED = "where it was sent to does not take it"
    UNANSWERED = "Nova could not be asked for it in time"
    DONE = "its end is known"


@dataclasses.dataclass(kw_only=True)
class Flight:
    """A move and where it stands; times are monotonic seconds.

    :param due_at: nothing is done before
    :param first_asked_at: when Nova was first asked to evacuate it
    :param asked_at: when the last call for it was sent
    :param settling_since: when its evacuation was first seen to be over
    :param baseline: the newest evacuation record that is not of this one
    :param record: Nova's record of this evacuation
    :param changed_at: when that was last seen to change
    :param adopted: it was in flight already when it was taken up
    :param in_doubt_until: Nova did not say whether it took the last request,
        and may begin it until then
    :param inherited_until: until then Nova may begin what another engine has
        asked for
    :param unanswered: what did not work last is that Nova could be asked
    :param abandoned: Nova will never end the evacuation before this one
    :param lost: how often Nova has lost an evacuation that it had taken
    :param lost_record: its record of the last one that it has lost
    :param newest_record: the newest one that was seen
    :param broken: how often it could not be rebuilt where it was sent
    :param last_way: it is evacuated without being started
    :param returning: its host came back, so it stays there
    :param acts: how often Nova was asked to bring it to its state
    :param unread_since: since then its server cannot be read
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
    changed_at: float = 0.0
    adopted: bool = False
    in_doubt_until: float | None = None
    inherited_until: float = 0.0
    has_slot: bool = False
    unanswered: bool = False
    abandoned: bool = False
    lost: int = 0
    lost_record: int | None = None
    newest_record: int = 0
    broken: int = 0
    last_way: bool = False
    returning: bool = False
    acts: int = 0
    unread_since: float | None = None
    trouble: str = ""

    @property
    def uuid(self) -> str:
        return self.planned.move.instance_uuid

    @property
    def asked_before(self) -> bool:
        """Nova may have a request for it, of ours or of another engine."""
        ongoing = self.planned.vmove.status is VMoveStatus.ONGOING
        asked_here = self.first_asked_at is not None
        return ongoing or self.adopted or asked_here

    def being_read(self, *, now: float) -> bool:
        """Another engine may have asked for it: its server tells, at once.

        When Nova is slow to tell, it is not waited for.
        """
        slow = now - self.asked_at >= READ_WITHIN
        reading = self.phase is Phase.LOOKING or (
            self.phase is Phase.CALLING and not slow
        )
        first = self.first_asked_at is None and self.settling_since is None
        return reading and first and self.record is None and not self.trouble

    def awaited(self, *, now: float) -> bool:
        """Nova may yet begin its evacuation; to ask again might be twice."""
        return self.phase is Phase.READY and self.inherited_until > now

    @property
    def importance(self) -> tuple[int, ...]:
        """Higher goes first."""
        return int(self.planned.move.ha_enabled), self.planned.move.priority

    @property
    def begun(self) -> bool:
        """Nova evacuates it, or has, and its end is not recorded yet."""
        return self.has_slot or self.record is not None

    @property
    def goes_on(self) -> bool:
        """Whoever takes it up next finds it on its way, in Nova's records."""
        moving = self.phase in (Phase.FLYING, Phase.LOOKING)
        return self.begun and moving and self.in_doubt_until is None

    @property
    def ends_running(self) -> bool:
        return self.planned.move.origin.goal is Goal.ACTIVE

    def next_step(self, server: Server, source_host: str) -> Step:
        origin = self.planned.move.origin
        self.returning = self.returning and server.host == source_host
        if self.returning:
            return planner.put_back(
                server, origin=origin, abandoned=self.abandoned
            )
        return planner.next_step(
            server,
            source_host=source_host,
            origin=origin,
            evacuation=self.record,
            abandoned=self.abandoned,
        )

    def is_under_way(self, server: Server, source_host: str) -> bool:
        return planner.is_under_way(
            server, source_host=source_host, evacuation=self.record
        )

    def look(self, *, at: float) -> None:
        """Read the server, not before ``at``."""
        self.phase = Phase.LOOKING
        self.due_at = at

    def retry(self, *, now: float) -> None:
        """Try again after a growing pause, and not before ``due_at``."""
        pause = min(2.0 ** min(self.failures, 8), LONGEST_PAUSE)
        self.failures += 1
        self.in_doubt_until = None
        self.look(at=max(now + pause, self.due_at))

    def follow(self, record: Migration, *, changed_at: float) -> None:
        """Take note of what Nova has recorded of its evacuation."""
        if record != self.record:
            self.changed_at = changed_at
        self.record = record
        self.in_doubt_until = None

    def begin(self, *, now: float) -> None:
        """Nova has taken a request for it."""
        self.phase = Phase.FLYING
        self.changed_at = now
        self.settling_since = None
        self.unanswered = self.abandoned = False

    def not_begun(self, *, now: float) -> None:
        """Nova did not take it: waiting for that was no time of trying."""
        if self.first_asked_at is not None:
            self.first_asked_at += now - self.asked_at
        self.in_doubt_until = None

    def forget_record(self) -> None:
        """Start over: what Nova has recorded so far is history."""
        if self.record is not None:
            self.baseline = max(self.record.id, self.newest_record)
        self.record = None

    def abandon(self, *, now: float, trouble: str) -> None:
        """Nova will never end its evacuation: start over, from now on."""
        self.forget_record()
        self.abandoned = True
        self.adopted = False
        self.first_asked_at = self.settling_since = None
        self.trouble = trouble
        self.look(at=max(now, self.inherited_until))

    def stay(self, *, now: float) -> None:
        """Its host came back: see that it is as it was."""
        self.returning = True
        self.settling_since = None
        self.look(at=now)
