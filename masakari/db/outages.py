# SPDX-License-Identifier: Apache-2.0
"""Hosts that are on maintenance because a process of theirs stopped.

As long as the record is there, the maintenance is Masakari's own doing and
may be undone; whoever else sets it removes the record.
"""

from collections.abc import Collection

import sqlalchemy
from sqlalchemy import orm

from masakari.db import clocks, hosts, query, tables, turns
from masakari.domain import model


def of_host(
    session: orm.Session, host_uuid: str
) -> model.ProcessOutage | None:
    """The outage of a host, if it is on record."""
    row = session.get(tables.ProcessOutage, host_uuid)
    return None if row is None else _to_domain(row)


def _to_domain(row: tables.ProcessOutage) -> model.ProcessOutage:
    return model.ProcessOutage(
        process_name=row.process_name, disabled_reason=row.disabled_reason
    )


def begin(
    session: orm.Session, host_uuid: str, outage: model.ProcessOutage
) -> model.Host:
    """Put a host on maintenance because of an outage.

    From now on its compute service has to be up for as long as after the
    first one.

    :raises HostNotFound: it has been deleted
    """
    turns.take(session, host_uuid)
    session.merge(
        tables.ProcessOutage(
            host_uuid=host_uuid,
            process_name=outage.process_name,
            disabled_reason=outage.disabled_reason,
            up_since=None,
        )
    )
    return hosts.update(session, host_uuid, on_maintenance=True)


def begin_again(
    session: orm.Session, host_uuid: str, process_name: str
) -> None:
    """The process is reported as stopped once more."""
    table = tables.ProcessOutage
    session.execute(
        sqlalchemy.update(table)
        .where(
            table.host_uuid == host_uuid, table.process_name == process_name
        )
        .values(up_since=None)
    )


def stopped_hosts(
    session: orm.Session, host_uuid: str | None = None
) -> list[model.StoppedHost]:
    """Hosts, or the one host, that wait for a process of theirs."""
    table = tables.ProcessOutage
    statement = (
        hosts.pairs()
        .add_columns(table, clocks.now_ms() - table.up_since)
        .join(table, table.host_uuid == tables.Host.uuid)
        .order_by(tables.Host.id)
    )
    if host_uuid is not None:
        statement = statement.where(table.host_uuid == host_uuid)
    return [
        model.StoppedHost(
            host=hosts.to_domain(host, segment),
            outage=_to_domain(outage),
            up_since=outage.up_since,
            up_for=None if up_for is None else up_for / 1000,
        )
        for host, segment, outage, up_for in session.execute(statement)
    ]


def look(
    session: orm.Session, up: Collection[str], *, gap: float
) -> list[model.StoppedHost]:
    """Note which of the hosts that wait are up in Nova now.

    :param up: the uuids of all whose compute service is
    :param gap: seconds without a look after which one is not known to have
        been up all the time
    :returns: all that wait
    """
    table, now = tables.ProcessOutage, clocks.now_ms()
    anew = sqlalchemy.or_(
        table.up_since.is_(None), table.seen_up_at < now - int(gap * 1000)
    )
    session.execute(
        sqlalchemy.update(table)
        .where(table.host_uuid.in_(up))
        # MariaDB sets one after the other, and compares with what it has set.
        .ordered_values(
            (
                table.up_since,
                sqlalchemy.case((anew, now), else_=table.up_since),
            ),
            (table.seen_up_at, now),
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        sqlalchemy.update(table)
        .where(table.host_uuid.not_in(up), table.up_since.is_not(None))
        .values(up_since=None)
        .execution_options(synchronize_session=False)
    )
    return stopped_hosts(session)


def end(
    session: orm.Session, host_uuid: str, *, up_since: int | None = None
) -> model.Host:
    """The host is back: lift the maintenance that :func:`begin` set.

    Without a record it is somebody else's by now, and stays.

    :param up_since: only if it still is as :class:`StoppedHost` had it
    :raises HostNotFound: it has been deleted
    """
    turns.take(session, host_uuid)
    table = tables.ProcessOutage
    ours = sqlalchemy.delete(table).where(table.host_uuid == host_uuid)
    if up_since is not None:
        ours = ours.where(table.up_since == up_since)
    if query.changed(session, ours) == 0:
        return hosts.get(session, host_uuid)
    return hosts.update(session, host_uuid, on_maintenance=False)


def forget(session: orm.Session, host_uuid: str) -> bool:
    """From now on the host's maintenance is not ours to lift.

    :returns: whether it was until now
    """
    table = tables.ProcessOutage
    gone = query.changed(
        session, sqlalchemy.delete(table).where(table.host_uuid == host_uuid)
    )
    return gone > 0
