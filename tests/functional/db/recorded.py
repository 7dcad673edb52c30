# SPDX-License-Identifier: Apache-2.0
"""Rows as a release left them whose database was at 8bdf5929c5a6."""

import sqlalchemy

from masakari.db import hosts, notifications, query, segments, vmoves
from masakari.db.session import Database

_AT = "2025-04-01 10:00:00"
_SEGMENT = "5e6a7c10-0000-4000-8000-000000000001"
_HOST = "5e6a7c10-0000-4000-8000-000000000002"
_NOTIFICATION = "5e6a7c10-0000-4000-8000-000000000003"
_VMOVE = "5e6a7c10-0000-4000-8000-000000000004"

_ROWS = {
    "failover_segments": {
        "uuid": _SEGMENT,
        "name": "seg",
        "service_type": "compute",
        "enabled": True,
        "recovery_method": "auto_priority",
    },
    "hosts": {
        "uuid": _HOST,
        "name": "compute1",
        "reserved": False,
        "type": "COMPUTE",
        "control_attributes": "SSH",
        "failover_segment_id": _SEGMENT,
        "on_maintenance": True,
    },
    "notifications": {
        "notification_uuid": _NOTIFICATION,
        "generated_time": _AT,
        "source_host_uuid": _HOST,
        "type": "COMPUTE_HOST",
        "payload": '{"event": "STOPPED", "host_status": "NORMAL"}',
        "status": "finished",
    },
    "vmoves": {
        "uuid": _VMOVE,
        "notification_uuid": _NOTIFICATION,
        "instance_uuid": "5e6a7c10-0000-4000-8000-000000000005",
        "instance_name": "vm",
        "type": "evacuation",
        "status": "succeeded",
    },
}


def insert(database: Database) -> None:
    with database.transaction() as connection:
        for table, values in _ROWS.items():
            columns = {"created_at": _AT, "deleted": 0, **values}
            names = ", ".join(columns)
            slots = ", ".join(f":{name}" for name in columns)
            connection.execute(
                sqlalchemy.text(
                    f"INSERT INTO {table} ({names}) VALUES ({slots})"
                ),
                columns,
            )


def check(database: Database) -> None:
    page = query.Page()
    (segment,) = database.read(segments.select, {}, page)
    (host,) = database.read(hosts.select, _SEGMENT, {}, page)
    (notification,) = database.read(notifications.select, {}, page)
    (vmove,) = database.read(vmoves.select, _NOTIFICATION, {}, page)
    assert (segment.uuid, segment.recovery_method) == (
        _SEGMENT,
        "auto_priority",
    )
    assert (host.uuid, host.on_maintenance) == (_HOST, True)
    assert notification.failover_segment_uuid is None
    assert notification.message is None
    assert notification.payload["host_status"] == "NORMAL"
    assert str(notification.generated_time) == _AT
    assert (vmove.uuid, vmove.status) == (_VMOVE, "succeeded")


def make_legacy(database: Database, version: int) -> None:
    """Put it under sqlalchemy-migrate, as far as anybody can see."""
    with database.transaction() as connection:
        for statement in (
            "DROP TABLE IF EXISTS masakari_alembic_version",
            "CREATE TABLE migrate_version (repository_id VARCHAR(250) "
            "PRIMARY KEY, repository_path TEXT, version INTEGER)",
            f"INSERT INTO migrate_version VALUES ('masakari', '', {version})",
        ):
            connection.exec_driver_sql(statement)
