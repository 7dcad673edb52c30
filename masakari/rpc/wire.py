# SPDX-License-Identifier: Apache-2.0
"""Notifications in the form in which they travel."""

import datetime
from collections.abc import Sequence
from typing import Any

from masakari.domain.model import Notification, TaskProgress


def to_wire(notification: Notification) -> dict[str, Any]:
    """The ``Notification`` object, version 1.2, in its wire form."""
    return _object(
        "Notification",
        "1.2",
        {
            "id": notification.id,
            "notification_uuid": notification.uuid,
            "generated_time": _time(notification.generated_time),
            "source_host_uuid": notification.source_host_uuid,
            "failover_segment_uuid": notification.failover_segment_uuid,
            "type": str(notification.type),
            "payload": dict(notification.payload),
            "status": str(notification.status),
            "message": notification.message,
            "created_at": _time(notification.created_at),
            "updated_at": _time(notification.updated_at),
            "deleted_at": _time(notification.deleted_at),
            "deleted": notification.deleted,
        },
    )


def with_details(
    notification: dict[str, Any], progress: Sequence[TaskProgress]
) -> dict[str, Any]:
    """A ``Notification`` in wire form, with its progress filled in."""
    details = [
        _object(
            "NotificationProgressDetails",
            "1.0",
            {
                "name": task.name,
                "progress": task.progress,
                "state": task.state,
                "progress_details": [
                    {
                        "timestamp": entry.timestamp,
                        "progress": entry.progress,
                        "message": entry.message,
                    }
                    for entry in task.entries
                ],
            },
        )
        for task in progress
    ]
    data = notification["masakari_object.data"]
    return {
        **notification,
        "masakari_object.data": {**data, "recovery_workflow_details": details},
    }


def _object(name: str, version: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "masakari_object.name": name,
        "masakari_object.namespace": "masakari",
        "masakari_object.version": version,
        "masakari_object.data": data,
    }


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
