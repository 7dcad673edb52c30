# SPDX-License-Identifier: Apache-2.0
"""Records to test with; only what matters has to be said."""

import datetime
import itertools
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy
from sqlalchemy import orm

from masakari.db import hosts, notifications, segments, tables
from masakari.db.session import Database
from masakari.domain import model

EPOCH = datetime.datetime(2026, 11, 23, 12)

_numbers = itertools.count(1)


class Clock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, now: datetime.datetime = EPOCH) -> None:
        self.now = now

    def __call__(self) -> datetime.datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += datetime.timedelta(**delta)


def new_segment(**values: Any) -> model.Segment:
    """One that is not in the database."""
    given = {
        "uuid": str(uuid.uuid4()),
        "name": f"segment-{next(_numbers)}",
        "recovery_method": "auto",
        "service_type": "compute",
        "description": None,
        "enabled": True,
    } | values
    given["recovery_method"] = model.RecoveryMethod(given["recovery_method"])
    return model.Segment(**model.UNSAVED, **given)


def new_host(of: model.Segment, **values: Any) -> model.Host:
    """One that is not in the database."""
    given = {
        "uuid": str(uuid.uuid4()),
        "name": f"host-{next(_numbers)}",
        "type": "COMPUTE",
        "control_attributes": "SSH",
        "reserved": False,
        "on_maintenance": False,
        "segment": of,
    } | values
    return model.Host(**model.UNSAVED, **given)


def new_notification(of: model.Host, **values: Any) -> model.Notification:
    """One that is not in the database."""
    given = {
        "uuid": str(uuid.uuid4()),
        "type": "COMPUTE_HOST",
        "status": model.NotificationStatus.NEW,
        "source_host_uuid": of.uuid,
        "failover_segment_uuid": of.segment.uuid,
        "generated_time": EPOCH,
        "payload": {"event": "STOPPED"},
        "message": None,
    } | values
    given["type"] = model.NotificationType(given["type"])
    return model.Notification(**model.UNSAVED, **given)


def segment(database: Database, **values: Any) -> model.Segment:
    return database.write(segments.create, new_segment(**values))


def host(
    database: Database, of: model.Segment | None = None, **values: Any
) -> model.Host:
    return database.write(
        hosts.create, new_host(of or segment(database), **values)
    )


def notification(
    database: Database,
    of: model.Host | None = None,
    *,
    request_id: str | None = None,
    **values: Any,
) -> model.Notification:
    return database.write(
        notifications.create,
        new_notification(of or host(database), **values),
        request_id=request_id,
    )


def vmove(database: Database, of: model.Notification, **values: Any) -> str:
    number = next(_numbers)
    given = {
        "uuid": f"00000000-0000-4000-8000-{number:012d}",
        "notification_uuid": of.uuid,
        "instance_uuid": f"10000000-0000-4000-8000-{number:012d}",
        "instance_name": f"instance-{number}",
        "type": "evacuation",
        "status": "pending",
        "created_at": EPOCH,
        "deleted": 0,
    } | values
    add(database, tables.VMove(**given))
    return str(given["uuid"])


def add(database: Database, row: tables.Base) -> None:
    """Store a row that no function of the program would write."""

    def store(session: orm.Session) -> None:
        session.merge(row)

    database.write(store)


def change(
    database: Database,
    table: type[tables.Base],
    uuid: str,
    **values: Any,
) -> None:
    """Set columns of a row behind the program's back."""

    def store(session: orm.Session) -> None:
        column = next(
            getattr(table, name)
            for name in ("notification_uuid", "uuid")
            if hasattr(table, name)
            and not (name == "notification_uuid" and table is tables.VMove)
        )
        row = session.query(table).filter(column == uuid).one()
        for name, value in values.items():
            setattr(row, name, value)

    database.write(store)


def count(database: Database, table: type[tables.Base]) -> int:
    def number(session: orm.Session) -> int:
        return session.query(table).count()

    return database.read(number)


def everything(
    read: Callable[[str | None], list[Any]], limit: int
) -> list[Any]:
    """All pages, asked for as clients do it: until one is empty."""
    found: list[Any] = []
    marker = None
    while page := read(marker):
        assert len(page) <= limit
        assert not [one for one in page if one in found]
        found += page
        marker = str(page[-1].id)
    return found


def age_logbooks(database: Database, at: datetime.datetime) -> None:
    """Let all logbooks have been opened at that time."""
    with database.transaction() as connection:
        connection.execute(
            sqlalchemy.text("UPDATE logbooks SET created_at = :at"),
            {"at": at},
        )
