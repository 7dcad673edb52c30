# SPDX-License-Identifier: Apache-2.0
"""Reserved hosts in the hands of recoveries, by compare-and-swap.

For the engine only, inside transactions that hold the claim. Who has taken
a reserved host is on record until the recovery is over, so that whoever
goes on with it knows what it has, and gives back what it did not need.
"""

import typing
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from masakari.db import hosts, outages, query
from masakari.db.session import now
from masakari.db.tables import Host as HostRow
from masakari.db.tables import ReserveUse, Segment
from masakari.domain.model import Host, Reserve


def candidates(
    session: orm.Session, failed: Host, notification_uuid: str
) -> list[Host]:
    """What may take the instances of a failed host.

    What the notification has taken already comes first, then the reserved
    hosts of the segment, the newest first. A host on maintenance is none.
    """
    taken = (
        sa.select(ReserveUse.host_uuid)
        .where(
            ReserveUse.host_uuid == HostRow.uuid,
            ReserveUse.notification_uuid == notification_uuid,
        )
        .exists()
    )
    rows = session.execute(
        _hosts()
        .where(
            HostRow.failover_segment_id == failed.segment.uuid,
            HostRow.uuid != failed.uuid,
            _false(HostRow.on_maintenance),
            sa.or_(taken, HostRow.reserved == sa.true()),
        )
        .order_by(
            sa.case((taken, 0), else_=1),
            HostRow.created_at.desc(),
            HostRow.id.desc(),
        )
    )
    return [hosts.to_domain(host, segment) for host, segment in rows]


def take(
    session: orm.Session,
    reserve: Reserve,
    notification_uuid: str,
) -> Host | None:
    """Take a reserved host, unless somebody was faster.

    :returns: the host as it is now; None when it is not to be had
    """
    changed = typing.cast(
        "sa.CursorResult[Any]",
        session.execute(
            sa.update(HostRow)
            .where(
                HostRow.uuid == reserve.host.uuid,
                HostRow.deleted == 0,
                HostRow.reserved == sa.true(),
                _false(HostRow.on_maintenance),
            )
            .values(reserved=False, updated_at=now(session))
        ),
    )
    if changed.rowcount != 1:
        # The answer to an earlier commit of ours may have been lost.
        use = session.get(ReserveUse, reserve.host.uuid)
        ours = use is not None and use.notification_uuid == notification_uuid
        return hosts.get(session, reserve.host.uuid) if ours else None
    session.merge(
        ReserveUse(
            host_uuid=reserve.host.uuid,
            notification_uuid=notification_uuid,
            was_enabled=reserve.was_enabled,
            disabled_reason=reserve.disabled_reason,
            aggregates=",".join(map(str, reserve.aggregates)),
        )
    )
    session.flush()
    return hosts.get(session, reserve.host.uuid)


def taken_by(session: orm.Session, notification_uuid: str) -> list[Reserve]:
    """What a notification has taken and not given back."""
    rows = session.execute(
        _hosts()
        .add_columns(ReserveUse)
        .join(ReserveUse, ReserveUse.host_uuid == HostRow.uuid)
        .where(ReserveUse.notification_uuid == notification_uuid)
        .order_by(HostRow.id)
    )
    return [
        Reserve(
            host=hosts.to_domain(host, segment),
            was_enabled=use.was_enabled,
            disabled_reason=use.disabled_reason,
            aggregates=_numbers(use.aggregates),
        )
        for host, segment, use in rows
    ]


def give_back(
    session: orm.Session, host_uuid: str, notification_uuid: str
) -> Host:
    """It is reserved again.

    One that is on maintenance stays as it is, unless that is only because
    of a process that has stopped, and ends when it starts. One that the
    notification does not have stays so too: it may have been given back by
    a commit whose answer was lost, and be somebody else's now.

    :raises HostNotFound: it has been deleted
    """
    gone = typing.cast(
        "sa.CursorResult[Any]",
        session.execute(
            sa.delete(ReserveUse).where(
                ReserveUse.host_uuid == host_uuid,
                ReserveUse.notification_uuid == notification_uuid,
            )
        ),
    )
    host = hosts.get(session, host_uuid)
    taken_out = host.on_maintenance and not outages.of_host(session, host_uuid)
    if gone.rowcount == 0 or taken_out:
        return host
    return hosts.update(session, host_uuid, reserved=True)


def forget(session: orm.Session, notification_uuid: str) -> None:
    """The recovery is over: what it has taken is an ordinary host now."""
    session.execute(
        sa.delete(ReserveUse).where(
            ReserveUse.notification_uuid == notification_uuid
        )
    )


def _hosts() -> Any:
    return (
        sa.select(HostRow, Segment)
        .join(Segment, Segment.uuid == HostRow.failover_segment_id)
        .where(query.live(HostRow))
    )


def _false(column: Any) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(column, sa.false()) == sa.false()


def _numbers(text: str) -> Sequence[int]:
    return tuple(int(number) for number in text.split(",") if number)
