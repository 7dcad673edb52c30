# SPDX-License-Identifier: Apache-2.0
"""Hosts that are on maintenance because a process of theirs stopped.

As long as the record is there, the maintenance is Masakari's own doing and
may be undone; whoever else sets it removes the record.
"""

import sqlalchemy
from sqlalchemy import orm

from masakari.db import hosts, query, tables, turns
from masakari.domain import model


def of_host(
    session: orm.Session, host_uuid: str
) -> model.ProcessOutage | None:
    """The outage of a host, if it is on record."""
    row = session.get(tables.ProcessOutage, host_uuid)
    if row is None:
        return None
    return model.ProcessOutage(
        process_name=row.process_name, disabled_reason=row.disabled_reason
    )


def begin(
    session: orm.Session, host_uuid: str, outage: model.ProcessOutage
) -> model.Host:
    """Put a host on maintenance because of an outage.

    :raises HostNotFound: it has been deleted
    """
    turns.take(session, host_uuid)
    session.merge(
        tables.ProcessOutage(
            host_uuid=host_uuid,
            process_name=outage.process_name,
            disabled_reason=outage.disabled_reason,
        )
    )
    return hosts.update(session, host_uuid, on_maintenance=True)


def end(session: orm.Session, host_uuid: str) -> model.Host:
    """The host is back: lift the maintenance that :func:`begin` set.

    Without a record it is somebody else's by now, and stays.

    :raises HostNotFound: it has been deleted
    """
    turns.take(session, host_uuid)
    if not forget(session, host_uuid):
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
