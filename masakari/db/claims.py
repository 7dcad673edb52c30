# SPDX-License-Identifier: Apache-2.0
"""Who works on which notification, by compare-and-swap.

A claim is a row of ``claims``, one for each host or, where an instance is
recovered on its own, for each instance, so that either has one owner at a
time, be it for a notification or for what an engine sees to unasked. That
holds on every database and on Galera, where a row lock does not reach the
other nodes. Its lease is set and compared in the database server's time.
Functions take a session of a writer transaction.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import sqlalchemy
from oslo_db import exception as db_exception
from sqlalchemy import orm

from masakari import exception
from masakari.db import (
    clocks,
    due,
    moves,
    notifications,
    query,
    reserves,
    tables,
)
from masakari.db import session as sessions
from masakari.domain import model
from masakari.domain.verdict import Verdict

T = TypeVar("T")

#: What a recovery waits for that has no host to evacuate to.
DESTINATION = "destination"

#: The longest pause (seconds) between two looks at a notification that waits.
LONGEST_WAIT = 15.0

#: Seconds after which the log says again that a notification waits.
TELL_INTERVAL = 300


def open_row(session: orm.Session, subject: str) -> None:
    """Make sure that there is a row to compare and swap on.

    A transaction of its own, without a savepoint: a deadlock, after which
    the transaction has to run again, would end that too, and hide behind
    the error of rolling back to it.
    """
    if session.get(tables.Claim, subject) is not None:
        return
    session.add(tables.Claim(subject=subject, expires_at=0))
    try:
        session.flush()
    except db_exception.DBDuplicateEntry:
        # Another engine was faster; the row is there, which is all we want.
        session.rollback()


def claim(
    session: orm.Session,
    candidate: model.Candidate,
    *,
    owner: str,
    token: str,
    lease: float,
) -> model.Claim | None:
    """Take a notification; None when somebody else has it, or it is done.

    :param token: unique to this claim, which is known by it if the answer to
        its commit was lost
    :param lease: seconds until the claim lapses unless it is renewed
    """
    won = _swap(
        session,
        candidate.subject,
        notification_uuid=candidate.notification_uuid,
        owner=owner,
        token=token,
        expires_at=_until(lease),
    )
    if not won:
        return _made_before(session, candidate, token)
    recovery = _take(session, candidate)
    if recovery is None:
        _free(session, candidate.subject, token)
        return None
    return _claim(session, candidate, token, recovery)


def claim_host(
    session: orm.Session,
    host_uuid: str,
    *,
    owner: str,
    token: str,
    lease: float,
) -> model.ResourceClaim | None:
    """Take a host about which nothing is reported that has work to do.

    :returns: None when somebody else has it, or a notification goes first
    """
    won = not due.host_has_work(session, host_uuid) and _swap(
        session,
        host_uuid,
        notification_uuid=None,
        owner=owner,
        token=token,
        expires_at=_until(lease),
    )
    row = session.get(tables.Claim, host_uuid, populate_existing=True)
    # By its token an earlier commit is known whose answer was lost.
    if not won and (row is None or row.token != token):
        return None
    return model.ResourceClaim(subject=host_uuid, token=token)


def _swap(session: orm.Session, subject: str, **values: Any) -> bool:
    """Set the row of a subject that nobody has; False when somebody has."""
    swap = (
        sqlalchemy.update(tables.Claim)
        .where(
            tables.Claim.subject == subject,
            tables.Claim.expires_at <= clocks.now_ms(),
        )
        .values(**values)
    )
    return _is_free(session, subject) and query.changed(session, swap) == 1


def _made_before(
    session: orm.Session, candidate: model.Candidate, token: str
) -> model.Claim | None:
    """The claim, if an earlier commit of it was done after all."""
    row = session.get(tables.Claim, candidate.subject)
    if row is None or row.token != token:
        return None
    recovery = session.get(tables.Recovery, candidate.notification_uuid)
    if row.notification_uuid is None or recovery is None:
        return None
    return _claim(session, candidate, token, recovery)


def _claim(
    session: orm.Session,
    candidate: model.Candidate,
    token: str,
    recovery: tables.Recovery,
) -> model.Claim:
    return model.Claim(
        notification=notifications.get(session, candidate.notification_uuid),
        subject=candidate.subject,
        token=token,
        attempt=recovery.attempts,
        request_id=recovery.request_id,
        waiting_for=recovery.waiting_for,
        takeovers=recovery.takeovers or 0,
        asked_ago=_since(session, recovery.last_asked_at),
    )


def _since(session: orm.Session, moment: int | None) -> float | None:
    """Seconds since a moment of the database's own clock."""
    if moment is None:
        return None
    now = session.scalar(sqlalchemy.select(clocks.now_ms())) or moment
    return (now - moment) / 1000


def note_request(session: orm.Session, claim: model.Claim) -> None:
    """Say that evacuations are about to be asked for."""
    session.execute(
        sqlalchemy.update(tables.Recovery)
        .where(tables.Recovery.notification_uuid == claim.notification.uuid)
        .values(last_asked_at=clocks.now_ms())
    )


def _is_free(session: orm.Session, subject: str) -> bool:
    """Lock the subject's row, if that needs no wait.

    An engine that hangs in a transaction has a row locked for as long as
    the database believes in it; nobody is to wait for that.
    """
    if not sessions.skips_locked(session):
        return True
    row = session.scalar(
        sqlalchemy.select(tables.Claim.expires_at)
        .where(tables.Claim.subject == subject)
        .with_for_update(skip_locked=True)
    )
    return row is not None


def _take(
    session: orm.Session, candidate: model.Candidate
) -> tables.Recovery | None:
    """Set a claimable notification to ``running`` and count the attempt."""
    uuid = candidate.notification_uuid
    status = session.scalar(
        sqlalchemy.select(tables.Notification.status)
        .outerjoin(
            tables.Recovery,
            tables.Recovery.notification_uuid
            == tables.Notification.notification_uuid,
        )
        .where(
            tables.Notification.notification_uuid == uuid,
            query.live(tables.Notification),
            due.condition(due.long_ago(session)),
        )
    )
    if status is None:
        return None
    values: dict[str, Any] = {
        "status": model.NotificationStatus.RUNNING.value,
        "updated_at": clocks.now(session),
    }
    if status == model.NotificationStatus.ERROR:
        # It says how the attempt before this one ended.
        values["message"] = None
    changed = query.changed(
        session,
        sqlalchemy.update(tables.Notification)
        .where(
            tables.Notification.notification_uuid == uuid,
            tables.Notification.status == status,
        )
        .values(**values),
    )
    if changed != 1:
        return None
    recovery = session.get(tables.Recovery, uuid)
    if recovery is None:
        recovery = tables.Recovery(notification_uuid=uuid, attempts=0)
        session.add(recovery)
    if status == model.NotificationStatus.ERROR:
        # One that an engine without claims has left was tried by it.
        recovery.attempts = max(recovery.attempts, 1) + 1
        recovery.waiting_for = recovery.waits = recovery.told_at = None
    else:
        recovery.attempts = max(recovery.attempts, 1)
    if candidate.left_by is not None:
        recovery.takeovers = (recovery.takeovers or 0) + 1
    recovery.next_attempt_at = None
    session.flush()
    return recovery


def while_held(
    session: orm.Session,
    claim: model.ResourceClaim,
    lease: float,
    write: Callable[[orm.Session], T],
) -> T:
    """Renew the claim, keep others off it, and call ``write(session)``.

    So every transaction begins that writes for what is claimed.

    :raises ClaimLost: somebody else holds the subject now, and nothing was
        written
    """
    if not renew(session, claim, lease=lease):
        raise exception.ClaimLost(claim=claim)
    return write(session)


def renew(
    session: orm.Session, claim: model.ResourceClaim, *, lease: float
) -> bool:
    """Move the end of the lease; False when the claim is lost."""
    changed = query.changed(
        session,
        sqlalchemy.update(tables.Claim)
        .where(
            tables.Claim.subject == claim.subject,
            tables.Claim.token == claim.token,
            tables.Claim.expires_at > 0,
        )
        .values(expires_at=_until(lease)),
    )
    return changed == 1


def renew_all(
    session: orm.Session, held: Iterable[model.ResourceClaim], *, lease: float
) -> dict[str, bool]:
    """Renew claims in one transaction, which waits for none of their rows.

    :returns: by token, False when the claim is lost; nothing of one whose
        row is locked: by who renews it just now, or by who hangs
    """
    return {
        claim.token: renew(session, claim, lease=lease)
        for claim in held
        if _is_free(session, claim.subject)
    }


def finish(
    session: orm.Session,
    claim: model.Claim,
    verdict: Verdict,
    *,
    lease: float,
    retry_in: float,
) -> list[model.VMove]:
    """Write the result and release the claim, in one transaction.

    Moves that have not ended do so with the attempt.

    :param retry_in: seconds until one that ended in ``error`` is due again
    :returns: the moves that ended with it
    :raises ClaimLost: the result is somebody else's to write
    """
    uuid = claim.notification.uuid
    if not renew(session, claim, lease=lease):
        if _ended_before(session, claim, verdict.status):
            return []
        raise exception.ClaimLost(claim=claim)
    session.execute(
        sqlalchemy.update(tables.Notification)
        .where(
            tables.Notification.notification_uuid == uuid,
            tables.Notification.status.in_(
                [status.value for status in model.UNFINISHED]
            ),
        )
        .values(
            status=verdict.status.value,
            message=verdict.message,
            updated_at=clocks.now(session),
        )
    )
    ended = moves.end_rest(session, uuid, verdict)
    again = verdict.status is model.NotificationStatus.ERROR
    if not again:
        reserves.forget(session, uuid)
    session.execute(
        sqlalchemy.update(tables.Recovery)
        .where(tables.Recovery.notification_uuid == uuid)
        .values(next_attempt_at=_until(retry_in) if again else None)
    )
    hand_back(session, claim)
    return ended


def _ended_before(
    session: orm.Session, claim: model.Claim, wanted: model.NotificationStatus
) -> bool:
    """Whether an earlier commit of the result was done after all."""
    row = session.get(tables.Claim, claim.subject)
    status = session.scalar(
        sqlalchemy.select(tables.Notification.status).where(
            tables.Notification.notification_uuid == claim.notification.uuid
        )
    )
    released = row is not None and row.token == claim.token
    return released and status == wanted


def put_back(
    session: orm.Session,
    claim: model.Claim,
    message: str,
    *,
    waiting_for: str,
    lease: float,
) -> bool:
    """Release the claim of one that cannot go on now.

    It is ``new`` again, with what it waits for as its message, and any
    engine looks at it again soon: after a second at first, then after
    pauses that grow to ``LONGEST_WAIT``. The attempt stays the same.

    :returns: whether the log has not said so for ``TELL_INTERVAL``
    :raises ClaimLost: somebody else holds the subject now
    """
    uuid = claim.notification.uuid
    if not renew(session, claim, lease=lease):
        if _ended_before(session, claim, model.NotificationStatus.NEW):
            return False
        raise exception.ClaimLost(claim=claim)
    recovery = session.get_one(tables.Recovery, uuid)
    waits = recovery.waits or 0
    now = session.scalar(sqlalchemy.select(clocks.now_ms())) or 0
    told_at = recovery.told_at
    tells = told_at is None or now - told_at >= TELL_INTERVAL * 1000
    pause = min(2.0 ** min(waits, 10), LONGEST_WAIT)
    if recovery.waiting_for != DESTINATION:
        # That the host was down, and nothing of it could be evacuated, says
        # more than that Nova is away besides.
        recovery.waiting_for = waiting_for
    recovery.waits = waits + 1
    recovery.takeovers = None
    recovery.next_attempt_at = now + int(pause * 1000)
    if tells:
        recovery.told_at = now
    session.execute(
        sqlalchemy.update(tables.Notification)
        .where(
            tables.Notification.notification_uuid == uuid,
            tables.Notification.status
            == model.NotificationStatus.RUNNING.value,
        )
        .values(
            status=model.NotificationStatus.NEW.value,
            message=message,
            updated_at=clocks.now(session),
        )
    )
    session.flush()
    hand_back(session, claim)
    return tells


def go_on(session: orm.Session, claim: model.Claim) -> None:
    """What the notification has waited for is there: it does not say so."""
    session.execute(
        sqlalchemy.update(tables.Notification)
        .where(
            tables.Notification.notification_uuid == claim.notification.uuid
        )
        .values(message=None, updated_at=clocks.now(session))
    )


def hand_back(session: orm.Session, claim: model.ResourceClaim) -> None:
    """Release the claim as it is: another engine goes on at once."""
    _free(session, claim.subject, claim.token)


def _free(session: orm.Session, subject: str, token: str) -> None:
    """The token stays: by it the last owner knows that it was its doing."""
    session.execute(
        sqlalchemy.update(tables.Claim)
        .where(tables.Claim.subject == subject, tables.Claim.token == token)
        .values(notification_uuid=None, owner=None, expires_at=0)
    )


def _until(seconds: float) -> sqlalchemy.ColumnElement[int]:
    return clocks.now_ms() + int(seconds * 1000)
