# SPDX-License-Identifier: Apache-2.0
"""Who works on which notification, by compare-and-swap.

A claim is a row of ``host_claims``, one for each failed host, so that one
host has one owner at a time, on every database and on Galera, where a row
lock does not reach the other nodes. Its lease is set and compared in the
database server's time. Functions take a session of a writer transaction.
"""

import dataclasses
import datetime
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import orm

from masakari import exception
from masakari.db import moves, notifications
from masakari.db.session import now, now_ms, skips_locked
from masakari.db.tables import HostClaim, Recovery
from masakari.db.tables import Notification as Row
from masakari.domain.model import (
    UNFINISHED,
    Claim,
    NotificationStatus,
    NotificationType,
)
from masakari.domain.verdict import Verdict

T = TypeVar("T")

#: How long (seconds) a notification that an engine without claims has set
#: to ``running`` is left to it. Engines up to 21.0.0 keep no lease.
FOREIGN_GRACE = 600


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A notification that may be claimed; the claim itself decides."""

    notification_uuid: str
    source_host_uuid: str


def candidates(session: orm.Session, *, limit: int) -> list[Candidate]:
    """Notifications with work to do whose host nobody holds.

    Failed hosts come first, then the oldest.
    """
    query = (
        sa.select(Row.notification_uuid, Row.source_host_uuid)
        .outerjoin(
            HostClaim, HostClaim.source_host_uuid == Row.source_host_uuid
        )
        .outerjoin(
            Recovery, Recovery.notification_uuid == Row.notification_uuid
        )
        .where(
            Row.deleted == 0,
            sa.or_(
                HostClaim.expires_at.is_(None),
                HostClaim.expires_at <= now_ms(session),
            ),
            _due(session),
        )
        .order_by(
            sa.case((Row.type == NotificationType.COMPUTE_HOST, 0), else_=1),
            Row.created_at,
            Row.id,
        )
        .limit(limit)
    )
    return [Candidate(*row) for row in session.execute(query)]


def _due(session: orm.Session) -> sa.ColumnElement[bool]:
    foreign = now(session) - datetime.timedelta(seconds=FOREIGN_GRACE)
    return sa.or_(
        Row.status == NotificationStatus.NEW,
        sa.and_(
            Row.status == NotificationStatus.ERROR,
            sa.or_(
                Recovery.next_attempt_at.is_(None),
                Recovery.next_attempt_at <= now_ms(session),
            ),
        ),
        sa.and_(
            Row.status == NotificationStatus.RUNNING,
            sa.or_(
                Recovery.attempts > 0,
                Row.updated_at.is_(None),
                Row.updated_at < foreign,
            ),
        ),
    )


def open_row(session: orm.Session, source_host_uuid: str) -> None:
    """Make sure that the host has a row to compare and swap on."""
    if session.get(HostClaim, source_host_uuid) is not None:
        return
    try:
        with session.begin_nested():
            session.add(
                HostClaim(source_host_uuid=source_host_uuid, expires_at=0)
            )
    except db_exc.DBDuplicateEntry:
        # Another engine was faster; the row is there, which is all we want.
        return


def claim(
    session: orm.Session,
    candidate: Candidate,
    *,
    owner: str,
    token: str,
    lease: float,
) -> Claim | None:
    """Take a notification; None when somebody else has it, or it is done.

    :param lease: seconds until the claim lapses unless it is renewed
    """
    won = _is_free(session, candidate) and _changes_one(
        session,
        sa.update(HostClaim)
        .where(
            HostClaim.source_host_uuid == candidate.source_host_uuid,
            HostClaim.expires_at <= now_ms(session),
        )
        .values(
            notification_uuid=candidate.notification_uuid,
            owner=owner,
            token=token,
            expires_at=_until(session, lease),
        ),
    )
    if not won:
        return None
    recovery = _take(session, candidate.notification_uuid)
    if recovery is None:
        _free(session, candidate.source_host_uuid, token)
        return None
    return Claim(
        notification=notifications.get(session, candidate.notification_uuid),
        token=token,
        attempt=recovery.attempts,
        request_id=recovery.request_id,
    )


def _is_free(session: orm.Session, candidate: Candidate) -> bool:
    """Lock the host's row, if that needs no wait.

    An engine that hangs in a transaction has a row locked for as long as
    the database believes in it; nobody is to wait for that.
    """
    if not skips_locked(session):
        return True
    row = session.scalar(
        sa.select(HostClaim.expires_at)
        .where(HostClaim.source_host_uuid == candidate.source_host_uuid)
        .with_for_update(skip_locked=True)
    )
    return row is not None


def _take(session: orm.Session, uuid: str) -> Recovery | None:
    """Set a claimable notification to ``running`` and count the attempt."""
    status = session.scalar(
        sa.select(Row.status)
        .outerjoin(
            Recovery, Recovery.notification_uuid == Row.notification_uuid
        )
        .where(Row.notification_uuid == uuid, Row.deleted == 0, _due(session))
    )
    if status is None:
        return None
    changed = _changes_one(
        session,
        sa.update(Row)
        .where(Row.notification_uuid == uuid, Row.status == status)
        .values(
            status=NotificationStatus.RUNNING.value, updated_at=now(session)
        ),
    )
    if not changed:
        return None
    recovery = session.get(Recovery, uuid)
    if recovery is None:
        recovery = Recovery(notification_uuid=uuid, attempts=0)
        session.add(recovery)
    if status == NotificationStatus.ERROR:
        # One that an engine without claims has left was tried by it.
        recovery.attempts = max(recovery.attempts, 1) + 1
    else:
        recovery.attempts = max(recovery.attempts, 1)
    recovery.next_attempt_at = None
    session.flush()
    return recovery


def hold(session: orm.Session, claim: Claim, *, lease: float) -> None:
    """Renew the claim, and keep others off it until the commit.

    The first statement of every transaction that writes for a recovery.

    :raises ClaimLost: somebody else holds the host now
    """
    if not renew(session, claim, lease=lease):
        raise exception.ClaimLost(uuid=claim.notification.uuid)


def while_held(
    session: orm.Session,
    claim: Claim,
    lease: float,
    write: Callable[[orm.Session], T],
) -> T:
    """Call ``write(session)`` under the claim.

    :raises ClaimLost: nothing was written
    """
    hold(session, claim, lease=lease)
    return write(session)


def renew(session: orm.Session, claim: Claim, *, lease: float) -> bool:
    """Move the end of the lease; False when the claim is lost."""
    return _changes_one(
        session,
        sa.update(HostClaim)
        .where(
            HostClaim.source_host_uuid == claim.notification.source_host_uuid,
            HostClaim.token == claim.token,
        )
        .values(expires_at=_until(session, lease)),
    )


def finish(
    session: orm.Session,
    claim: Claim,
    verdict: Verdict,
    *,
    lease: float,
    retry_in: float,
) -> None:
    """Write the result and release the claim, in one transaction.

    Moves that have not ended do so with the attempt.

    :param retry_in: seconds until one that ended in ``error`` is due again
    :raises ClaimLost: the result is somebody else's to write
    """
    hold(session, claim, lease=lease)
    uuid = claim.notification.uuid
    session.execute(
        sa.update(Row)
        .where(
            Row.notification_uuid == uuid,
            Row.status.in_([status.value for status in UNFINISHED]),
        )
        .values(
            status=verdict.status.value,
            message=verdict.message,
            updated_at=now(session),
        )
    )
    moves.end_rest(session, uuid, verdict)
    again = verdict.status is NotificationStatus.ERROR
    session.execute(
        sa.update(Recovery)
        .where(Recovery.notification_uuid == uuid)
        .values(next_attempt_at=_until(session, retry_in) if again else None)
    )
    hand_back(session, claim)


def hand_back(session: orm.Session, claim: Claim) -> None:
    """Release the claim as it is: another engine goes on at once."""
    _free(session, claim.notification.source_host_uuid, claim.token)


def _changes_one(session: orm.Session, statement: sa.Update) -> bool:
    result = typing.cast("sa.CursorResult[Any]", session.execute(statement))
    return result.rowcount == 1


def _free(session: orm.Session, source_host_uuid: str, token: str) -> None:
    session.execute(
        sa.update(HostClaim)
        .where(
            HostClaim.source_host_uuid == source_host_uuid,
            HostClaim.token == token,
        )
        .values(notification_uuid=None, owner=None, token=None, expires_at=0)
    )


def _until(session: orm.Session, seconds: float) -> sa.ColumnElement[int]:
    return now_ms(session) + int(seconds * 1000)
