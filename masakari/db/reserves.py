# SPDX-License-Identifier: Apache-2.0
"""Reserved hosts in the hands of recoveries, by compare-and-swap.

For the engine only, inside transactions that hold the claim. Who has taken
a reserved host is on record until the recovery is over, so that whoever
goes on with it knows what it has, and gives back what it did not need.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari.db import clocks, hosts, outages, query, tables, turns
from masakari.domain import model


def candidates(
    session: orm.Session, failed: model.Host, notification_uuid: str
) -> list[model.Host]:
    """What may take the instances of a failed host.

    What the notification has taken already comes first, then the reserved
    hosts of the segment, the newest first. A host on maintenance is none.
    """
    taken = (
        sqlalchemy.select(tables.ReserveUse.host_uuid)
        .where(
            tables.ReserveUse.host_uuid == tables.Host.uuid,
            tables.ReserveUse.notification_uuid == notification_uuid,
        )
        .exists()
    )
    rows = session.execute(
        hosts.pairs()
        .where(
            tables.Host.failover_segment_id == failed.segment.uuid,
            tables.Host.uuid != failed.uuid,
            _false(tables.Host.on_maintenance),
            sqlalchemy.or_(taken, tables.Host.reserved == sqlalchemy.true()),
        )
        .order_by(
            sqlalchemy.case((taken, 0), else_=1),
            tables.Host.created_at.desc(),
            tables.Host.id.desc(),
        )
    )
    return [hosts.to_domain(host, segment) for host, segment in rows]


def take(
    session: orm.Session,
    reserve: model.Reserve,
    notification_uuid: str,
) -> model.Host | None:
    """Take a reserved host, unless somebody was faster.

    :returns: the host as it is now; None when it is not to be had
    """
    turns.take(session, reserve.host.uuid)
    taken = query.changed(
        session,
        sqlalchemy.update(tables.Host)
        .where(
            tables.Host.uuid == reserve.host.uuid,
            query.live(tables.Host),
            tables.Host.reserved == sqlalchemy.true(),
            _false(tables.Host.on_maintenance),
        )
        .values(reserved=False, updated_at=clocks.now(session)),
    )
    if taken != 1:
        # The answer to an earlier commit of ours may have been lost.
        use = session.get(tables.ReserveUse, reserve.host.uuid)
        ours = use is not None and use.notification_uuid == notification_uuid
        return hosts.get(session, reserve.host.uuid) if ours else None
    session.merge(
        tables.ReserveUse(
            host_uuid=reserve.host.uuid,
            notification_uuid=notification_uuid,
            was_enabled=reserve.was_enabled,
            disabled_reason=reserve.disabled_reason,
            aggregates=",".join(map(str, reserve.aggregates)),
        )
    )
    session.flush()
    return hosts.get(session, reserve.host.uuid)


def taken_by(
    session: orm.Session, notification_uuid: str
) -> list[model.Reserve]:
    """What a notification has taken and not given back."""
    rows = session.execute(
        hosts.pairs()
        .add_columns(tables.ReserveUse)
        .join(
            tables.ReserveUse, tables.ReserveUse.host_uuid == tables.Host.uuid
        )
        .where(tables.ReserveUse.notification_uuid == notification_uuid)
        .order_by(tables.Host.id)
    )
    return [
        model.Reserve(
            host=hosts.to_domain(host, segment),
            was_enabled=use.was_enabled,
            disabled_reason=use.disabled_reason,
            aggregates=_numbers(use.aggregates),
        )
        for host, segment, use in rows
    ]


def give_back(
    session: orm.Session, host_uuid: str, notification_uuid: str
) -> model.Host:
    """It is reserved again.

    One that is on maintenance stays as it is, unless that is only because
    of a process that has stopped, and ends when it starts. One that the
    notification does not have stays so too: it may have been given back by
    a commit whose answer was lost, and be somebody else's now.

    :raises HostNotFound: it has been deleted
    """
    turns.take(session, host_uuid)
    gone = query.changed(
        session,
        sqlalchemy.delete(tables.ReserveUse).where(
            tables.ReserveUse.host_uuid == host_uuid,
            tables.ReserveUse.notification_uuid == notification_uuid,
        ),
    )
    host = hosts.get(session, host_uuid)
    taken_out = host.on_maintenance and not outages.of_host(session, host_uuid)
    if gone == 0 or taken_out:
        return host
    return hosts.update(session, host_uuid, reserved=True)


def forget(session: orm.Session, notification_uuid: str) -> None:
    """The recovery is over: what it has taken is an ordinary host now."""
    session.execute(
        sqlalchemy.delete(tables.ReserveUse).where(
            tables.ReserveUse.notification_uuid == notification_uuid
        )
    )


def _false(column: Any) -> sqlalchemy.ColumnElement[bool]:
    return (
        sqlalchemy.func.coalesce(column, sqlalchemy.false())
        == sqlalchemy.false()
    )


def _numbers(text: str) -> Sequence[int]:
    return tuple(int(number) for number in text.split(",") if number)
