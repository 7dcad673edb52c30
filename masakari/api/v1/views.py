# SPDX-License-Identifier: Apache-2.0
"""Items as answers show them, key by key."""

import datetime
from typing import Any

from masakari.domain import model


def time(value: datetime.datetime | None) -> str | None:
    """A time as ``YYYY-MM-DDTHH:MM:SS.ffffff``, in UTC."""
    return None if value is None else value.isoformat(timespec="microseconds")


def record(item: model.Record) -> dict[str, Any]:
    """The fields of every item."""
    return {
        "id": item.id,
        "created_at": time(item.created_at),
        "updated_at": time(item.updated_at),
        "deleted_at": time(item.deleted_at),
        "deleted": item.deleted,
    }


def segment(item: model.Segment) -> dict[str, Any]:
    """``enabled`` is shown at every version."""
    return {
        **record(item),
        "uuid": item.uuid,
        "name": item.name,
        "service_type": item.service_type,
        "recovery_method": item.recovery_method.value,
        "enabled": item.enabled,
        "description": item.description,
    }


def host(item: model.Host) -> dict[str, Any]:
    """``failover_segment_id`` is the segment's uuid."""
    return {
        **record(item),
        "uuid": item.uuid,
        "name": item.name,
        "type": item.type,
        "control_attributes": item.control_attributes,
        "reserved": item.reserved,
        "on_maintenance": item.on_maintenance,
        "failover_segment_id": item.segment.uuid,
        "failover_segment": segment(item.segment),
    }


def notification(item: model.Notification) -> dict[str, Any]:
    """Without the details of its recovery."""
    return {
        **record(item),
        "notification_uuid": item.uuid,
        "source_host_uuid": item.source_host_uuid,
        "failover_segment_uuid": item.failover_segment_uuid,
        "type": item.type.value,
        "status": item.status.value,
        "payload": dict(item.payload),
        "generated_time": time(item.generated_time),
        "message": item.message,
    }


def task(item: model.TaskProgress) -> dict[str, Any]:
    """One of ``recovery_workflow_details``."""
    return {
        "name": item.name,
        "progress": item.progress,
        "state": item.state,
        "progress_details": [
            {
                "timestamp": entry.timestamp,
                "progress": entry.progress,
                "message": entry.message,
            }
            for entry in item.entries
        ],
    }


def vmove(item: model.VMove) -> dict[str, Any]:
    """A move of an instance."""
    return {
        **record(item),
        "uuid": item.uuid,
        "notification_uuid": item.notification_uuid,
        "instance_uuid": item.instance_uuid,
        "instance_name": item.instance_name,
        "source_host": item.source_host,
        "dest_host": item.dest_host,
        "start_time": time(item.start_time),
        "end_time": time(item.end_time),
        "type": None if item.type is None else item.type.value,
        "status": None if item.status is None else item.status.value,
        "message": item.message,
    }
