# SPDX-License-Identifier: Apache-2.0
"""Removing rows for good: what is over, and what belonged to it."""

import datetime
from collections.abc import Callable, Iterator

import sqlalchemy
from sqlalchemy import orm

from masakari.db import clocks, progress, query, tables
from masakari.db import session as sessions
from masakari.domain import model

#: Rows removed in one transaction: clusters dislike long ones.
_BATCH = 500

#: Which rows of a table may go, given that nothing after a time does.
Rule = Callable[[orm.Session, datetime.datetime], query.Column]

_FINAL = [
    status.value
    for status in model.NotificationStatus
    if status not in model.UNFINISHED
]


def purge(
    database: sessions.Database,
    logbooks: sessions.Database,
    *,
    before: datetime.datetime,
    max_rows: int | None = None,
) -> dict[str, int]:
    """Remove rows, and say how many of which table.

    :param logbooks: the database of TaskFlow's tables
    :param before: naive UTC; of notifications that ended and of what was
        deleted then or later nothing is removed
    :param max_rows: at most so many in all; None for any number
    :raises ServiceUnavailable: a database is away
    """
    counts: dict[str, int] = {}
    left = max_rows
    for name, batch in _steps(database, logbooks, before):
        counts[name] = _drain(batch, left)
        if left is not None:
            left -= counts[name]
    return counts


def _drain(batch: Callable[[int], int], most: int | None) -> int:
    """Run a batch until it removes nothing, or there were enough."""
    done = 0
    while True:
        size = _BATCH if most is None else min(_BATCH, most - done)
        removed = batch(size) if size else 0
        done += removed
        if not removed:
            return done


def _steps(
    database: sessions.Database,
    logbooks: sessions.Database,
    before: datetime.datetime,
) -> Iterator[tuple[str, Callable[[int], int]]]:
    for table, rule in _RULES:

        def batch(
            size: int,
            table: type[tables.Base] = table,
            rule: Rule = rule,
        ) -> int:
            return database.write(_remove, table, rule, before, size)

        yield table.__tablename__, batch
    yield (
        "logbooks",
        lambda size: _remove_logbooks(database, logbooks, before, size),
    )


def _remove(
    session: orm.Session,
    table: type[tables.Base],
    rule: Rule,
    before: datetime.datetime,
    size: int,
) -> int:
    (key,) = sqlalchemy.inspect(table).primary_key
    # MariaDB deletes nothing by a subquery with a limit.
    doomed = session.scalars(
        sqlalchemy.select(key)
        .where(rule(session, before))
        .order_by(key)
        .limit(size)
    ).all()
    if not doomed:
        return 0
    # What somebody has taken up again since they were chosen stays.
    return query.changed(
        session,
        sqlalchemy.delete(table)
        .where(key.in_(doomed), rule(session, before))
        .execution_options(synchronize_session=False),
    )


def _remove_logbooks(
    database: sessions.Database,
    logbooks: sessions.Database,
    before: datetime.datetime,
    size: int,
) -> int:
    """Remove those whose notification is gone; the databases may differ."""
    last, gone = "", list[str]()
    while len(gone) < size and (
        uuids := logbooks.read(progress.logbooks, before, last, _BATCH)
    ):
        known = database.read(_known, uuids)
        gone += [uuid for uuid in uuids if uuid not in known]
        last = uuids[-1]
    if gone:
        logbooks.write(progress.delete, gone[:size])
    return len(gone[:size])


def _known(session: orm.Session, uuids: list[str]) -> set[str]:
    column = tables.Notification.notification_uuid
    return set(
        session.scalars(sqlalchemy.select(column).where(column.in_(uuids)))
    )


def _deleted(table: type[query.Table]) -> Rule:
    def rule(_session: orm.Session, before: datetime.datetime) -> query.Column:
        return sqlalchemy.and_(table.deleted != 0, table.deleted_at < before)

    return rule


def _deleted_without_hosts(
    session: orm.Session, before: datetime.datetime
) -> query.Column:
    hosts = sqlalchemy.select(tables.Host.id).where(
        tables.Host.failover_segment_id == tables.Segment.uuid
    )
    return sqlalchemy.and_(
        _deleted(tables.Segment)(session, before), ~hosts.exists()
    )


def _ended(_session: orm.Session, before: datetime.datetime) -> query.Column:
    table = tables.Notification
    return sqlalchemy.and_(table.status.in_(_FINAL), table.updated_at < before)


def _of_no_notification(column: orm.InstrumentedAttribute[str]) -> Rule:
    def rule(
        _session: orm.Session, _before: datetime.datetime
    ) -> query.Column:
        return ~(
            sqlalchemy.select(tables.Notification.id)
            .where(tables.Notification.notification_uuid == column)
            .exists()
        )

    return rule


def _of_no_host(column: orm.InstrumentedAttribute[str]) -> Rule:
    def rule(
        _session: orm.Session, _before: datetime.datetime
    ) -> query.Column:
        return ~(
            sqlalchemy.select(tables.Host.id)
            .where(tables.Host.uuid == column)
            .exists()
        )

    return rule


def _lapsed_of_no_host(
    session: orm.Session, before: datetime.datetime
) -> query.Column:
    return sqlalchemy.and_(
        tables.Claim.expires_at <= clocks.now_ms(),
        _of_no_host(tables.Claim.subject)(session, before),
    )


def _turns(session: orm.Session, before: datetime.datetime) -> query.Column:
    uuid = tables.HostIntake.source_host_uuid
    of_segment = (
        sqlalchemy.select(tables.Segment.id)
        .where(tables.Segment.uuid == uuid)
        .exists()
    )
    return sqlalchemy.and_(_of_no_host(uuid)(session, before), ~of_segment)


def _moves(session: orm.Session, before: datetime.datetime) -> query.Column:
    orphaned = _of_no_notification(tables.VMove.notification_uuid)
    return sqlalchemy.or_(
        _deleted(tables.VMove)(session, before), orphaned(session, before)
    )


#: In this order: what refers to a row goes before it, or finds it gone.
_RULES: tuple[tuple[type[tables.Base], Rule], ...] = (
    (tables.Host, _deleted(tables.Host)),
    (tables.Segment, _deleted_without_hosts),
    (tables.Notification, _ended),
    (tables.VMove, _moves),
    (
        tables.VMovePlan,
        _of_no_notification(tables.VMovePlan.notification_uuid),
    ),
    (
        tables.Recovery,
        _of_no_notification(tables.Recovery.notification_uuid),
    ),
    (tables.Claim, _lapsed_of_no_host),
    (tables.HostIntake, _turns),
    (tables.ReserveUse, _of_no_host(tables.ReserveUse.host_uuid)),
    (tables.ProcessOutage, _of_no_host(tables.ProcessOutage.host_uuid)),
)
