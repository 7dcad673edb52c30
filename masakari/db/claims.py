# SPDX-License-Identifier: Apache-2.0
"""Who works on which notification, by compare-and-swap.

A claim is a row of ``claims``, one for each host or, where an instance is
recovered on its own, for each instance, so that either has one owner at a
time, on every database and on Galera, where a row lock does not reach the
other nodes. Its lease is set and compared in the database server's time.
Functions take a session of a writer transaction.
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
from masakari.db import moves, notifications, reserves
from masakari.db.session import now, now_ms, skips_locked
from masakari.db.tables import Claim as ClaimRow
from masakari.db.tables import Notification as Row
from masakari.db.tables import Recovery
from masakari.domain.model import (
    UNFINISHED,
    Claim,
    NotificationStatus,
    NotificationType,
    VMove,
)
from masakari.domain.verdict import Verdict

T = TypeVar("T")

#: How long (seconds) a notification that an engine without claims has set
#: to ``running`` is left to it. Engines up to 21.0.0 keep no lease.
FOREIGN_GRACE = 600


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A notification that may be claimed; the claim itself decides.

    :param subject: the uuid of the host or instance that has to be held
    :param left_by: the engine that worked on it until its lease ran out
    """

    notification_uuid: str
    type: str
    subject: str
    left_by: str | None = None


def candidates(session: orm.Session, *, limit: int) -> list[Candidate]:
    """Notifications with work to do whose subject nobody holds.

    Failed hosts come first, then the oldest.
    """
    subject = _subject()
    query = (
        sa.select(Row.notification_uuid, Row.type, subject, _left_by())
        .outerjoin(
            Recovery, Recovery.notification_uuid == Row.notification_uuid
        )
        .outerjoin(ClaimRow, ClaimRow.subject == subject)
        .where(
            Row.deleted == 0,
            sa.or_(
                ClaimRow.expires_at.is_(None),
                ClaimRow.expires_at <= now_ms(session),
            ),
            _due(session),
            _goes_first(),
        )
        .order_by(
            sa.case((Row.type == NotificationType.COMPUTE_HOST, 0), else_=1),
            Row.created_at,
            Row.id,
        )
        .limit(limit)
    )
    return [
        Candidate(
            notification_uuid=uuid, type=type, subject=held, left_by=owner
        )
        for uuid, type, held, owner in session.execute(query)
    ]


def _left_by() -> sa.ColumnElement[str | None]:
    """Where a subject is free, whoever it still has as its owner is late."""
    same = ClaimRow.notification_uuid == Row.notification_uuid
    return sa.case((same, ClaimRow.owner))


def _subject() -> sa.ColumnElement[str]:
    return sa.func.coalesce(Recovery.subject, Row.source_host_uuid)


def _goes_first() -> sa.ColumnElement[bool]:
    """What is wrong on a host has to wait for what is wrong with the host."""
    host = orm.aliased(Row)
    pending = (
        sa.select(host.id)
        .where(
            host.source_host_uuid == Row.source_host_uuid,
            *_host_failure(host),
        )
        .exists()
    )
    return sa.or_(Row.type == NotificationType.COMPUTE_HOST, ~pending)


def _host_failure(row: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        row.type == NotificationType.COMPUTE_HOST,
        row.status.in_([status.value for status in UNFINISHED]),
        row.deleted == 0,
    )


def host_is_failing(session: orm.Session, source_host_uuid: str) -> bool:
    """Whether a failure of the whole host is reported and not dealt with."""
    found = session.scalar(
        sa.select(Row.id)
        .where(Row.source_host_uuid == source_host_uuid, *_host_failure(Row))
        .limit(1)
    )
    return found is not None


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


def open_row(session: orm.Session, subject: str) -> None:
    """Make sure that there is a row to compare and swap on.

    A transaction of its own, without a savepoint: a deadlock, after which
    the transaction has to run again, would end that too, and hide behind
    the error of rolling back to it.
    """
    if session.get(ClaimRow, subject) is not None:
        return
    session.add(ClaimRow(subject=subject, expires_at=0))
    try:
        session.flush()
    except db_exc.DBDuplicateEntry:
        # Another engine was faster; the row is there, which is all we want.
        session.rollback()


def claim(
    session: orm.Session,
    candidate: Candidate,
    *,
    owner: str,
    token: str,
    lease: float,
) -> Claim | None:
    """Take a notification; None when somebody else has it, or it is done.

    :param token: unique to this claim, which is known by it if the answer to
        its commit was lost
    :param lease: seconds until the claim lapses unless it is renewed
    """
    won = _is_free(session, candidate) and _changes_one(
        session,
        sa.update(ClaimRow)
        .where(
            ClaimRow.subject == candidate.subject,
            ClaimRow.expires_at <= now_ms(session),
        )
        .values(
            notification_uuid=candidate.notification_uuid,
            owner=owner,
            token=token,
            expires_at=_until(session, lease),
        ),
    )
    if not won:
        return _made_before(session, candidate, token)
    recovery = _take(session, candidate.notification_uuid)
    if recovery is None:
        _free(session, candidate.subject, token)
        return None
    return _claim(session, candidate, token, recovery)


def _made_before(
    session: orm.Session, candidate: Candidate, token: str
) -> Claim | None:
    """The claim, if an earlier commit of it was done after all."""
    row = session.get(ClaimRow, candidate.subject)
    if row is None or row.token != token:
        return None
    recovery = session.get(Recovery, candidate.notification_uuid)
    if row.notification_uuid is None or recovery is None:
        return None
    return _claim(session, candidate, token, recovery)


def _claim(
    session: orm.Session, candidate: Candidate, token: str, recovery: Recovery
) -> Claim:
    return Claim(
        notification=notifications.get(session, candidate.notification_uuid),
        subject=candidate.subject,
        token=token,
        attempt=recovery.attempts,
        request_id=recovery.request_id,
    )


def _is_free(session: orm.Session, candidate: Candidate) -> bool:
    """Lock the subject's row, if that needs no wait.

    An engine that hangs in a transaction has a row locked for as long as
    the database believes in it; nobody is to wait for that.
    """
    if not skips_locked(session):
        return True
    row = session.scalar(
        sa.select(ClaimRow.expires_at)
        .where(ClaimRow.subject == candidate.subject)
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

    :raises ClaimLost: somebody else holds the subject now
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
        sa.update(ClaimRow)
        .where(
            ClaimRow.subject == claim.subject,
            ClaimRow.token == claim.token,
            ClaimRow.expires_at > 0,
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
) -> list[VMove]:
    """Write the result and release the claim, in one transaction.

    Moves that have not ended do so with the attempt.

    :param retry_in: seconds until one that ended in ``error`` is due again
    :returns: the moves that ended with it
    :raises ClaimLost: the result is somebody else's to write
    """
    uuid = claim.notification.uuid
    if not renew(session, claim, lease=lease):
        if _ended_before(session, claim, verdict):
            return []
        raise exception.ClaimLost(uuid=uuid)
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
    ended = moves.end_rest(session, uuid, verdict)
    again = verdict.status is NotificationStatus.ERROR
    if not again:
        reserves.forget(session, uuid)
    session.execute(
        sa.update(Recovery)
        .where(Recovery.notification_uuid == uuid)
        .values(next_attempt_at=_until(session, retry_in) if again else None)
    )
    hand_back(session, claim)
    return ended


def _ended_before(
    session: orm.Session, claim: Claim, verdict: Verdict
) -> bool:
    """Whether an earlier commit of the result was done after all."""
    row = session.get(ClaimRow, claim.subject)
    status = session.scalar(
        sa.select(Row.status).where(
            Row.notification_uuid == claim.notification.uuid
        )
    )
    released = row is not None and row.token == claim.token
    return released and status == verdict.status


def hand_back(session: orm.Session, claim: Claim) -> None:
    """Release the claim as it is: another engine goes on at once."""
    _free(session, claim.subject, claim.token)


def _changes_one(session: orm.Session, statement: sa.Update) -> bool:
    result = typing.cast("sa.CursorResult[Any]", session.execute(statement))
    return result.rowcount == 1


def _free(session: orm.Session, subject: str, token: str) -> None:
    """The token stays: by it the last owner knows that it was its doing."""
    session.execute(
        sa.update(ClaimRow)
        .where(ClaimRow.subject == subject, ClaimRow.token == token)
        .values(notification_uuid=None, owner=None, expires_at=0)
    )


def _until(session: orm.Session, seconds: float) -> sa.ColumnElement[int]:
    return now_ms(session) + int(seconds * 1000)
