# SPDX-License-Identifier: Apache-2.0
"""Records as they are told on the message bus.

Each function writes out the fields of one payload class. ``VMoveApiPayload``
is an addition; the others are those of releases up to 21.0.0.
"""

import datetime
import traceback
from collections.abc import Mapping
from typing import Any, TypeAlias

from oslo_utils import strutils

from masakari.domain import model

Payload: TypeAlias = dict[str, Any]

_UNKNOWN = "unknown"


def segment(
    segment: model.Segment, *, fault: Payload | None = None
) -> Payload:
    """``SegmentApiPayload`` of a segment."""
    return _payload(
        "SegmentApiPayload", "1.1", {**_segment(segment), "fault": fault}
    )


def host(host: model.Host, *, fault: Payload | None = None) -> Payload:
    """``HostApiPayload`` of a host; its segment is nested."""
    return _payload(
        "HostApiPayload",
        "1.0",
        {
            "id": host.id,
            "uuid": host.uuid,
            "name": host.name,
            "failover_segment": _payload(
                "FailoverSegment", "1.1", _whole_segment(host.segment)
            ),
            "type": host.type,
            "reserved": host.reserved,
            "control_attributes": host.control_attributes,
            "on_maintenance": host.on_maintenance,
            "fault": fault,
        },
    )


def notification(
    notification: model.Notification, *, fault: Payload | None = None
) -> Payload:
    """``NotificationApiPayload`` of a notification."""
    return _payload(
        "NotificationApiPayload",
        "1.0",
        {
            "id": notification.id,
            "notification_uuid": notification.uuid,
            "generated_time": _time(notification.generated_time),
            "source_host_uuid": notification.source_host_uuid,
            "type": notification.type.value,
            "payload": dict(notification.payload),
            "status": notification.status.value,
            "fault": fault,
        },
    )


def vmove(vmove: model.VMove, *, fault: Payload | None = None) -> Payload:
    """``VMoveApiPayload`` of the move of an instance."""
    return _payload(
        "VMoveApiPayload",
        "1.0",
        {
            "id": vmove.id,
            "created_at": _time(vmove.created_at),
            "updated_at": _time(vmove.updated_at),
            "uuid": vmove.uuid,
            "notification_uuid": vmove.notification_uuid,
            "instance_uuid": vmove.instance_uuid,
            "instance_name": vmove.instance_name,
            "source_host": vmove.source_host,
            "dest_host": vmove.dest_host,
            "start_time": _time(vmove.start_time),
            "end_time": _time(vmove.end_time),
            "type": vmove.type and vmove.type.value,
            "status": vmove.status and vmove.status.value,
            "message": vmove.message,
            "fault": fault,
        },
    )


def unsaved(payload: Payload) -> Payload:
    """The payload of something that is about to be created: without ids."""
    data = {
        name: value
        for name, value in payload["masakari_object.data"].items()
        if name not in ("id", "uuid", "notification_uuid")
    }
    return {**payload, "masakari_object.data": data}


def with_fault(payload: Payload, error: BaseException) -> Payload:
    """The same payload, of what failed with an error."""
    data = {**payload["masakari_object.data"], "fault": fault(error)}
    return {**payload, "masakari_object.data": data}


def fault(error: BaseException) -> Payload:
    """``ExceptionPayload`` of an error that was raised."""
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    where = frames[-1] if frames else None
    return _exception(
        exception=type(error).__name__,
        message=str(error),
        module=where.f_globals.get("__name__", _UNKNOWN)
        if where
        else _UNKNOWN,
        function=where.f_code.co_name if where else _UNKNOWN,
        traceback="".join(traceback.format_exception(error)),
    )


def reason(name: str, message: str) -> Payload:
    """``ExceptionPayload`` of what failed without raising anything.

    :param name: what stands where the class of an error does
    """
    return _exception(exception=name, message=message)


def _exception(
    *,
    exception: str,
    message: str,
    module: str = _UNKNOWN,
    function: str = _UNKNOWN,
    traceback: str = "",
) -> Payload:
    return _payload(
        "ExceptionPayload",
        "1.0",
        {
            "module_name": module,
            "function_name": function,
            "exception": exception,
            "exception_message": strutils.mask_password(message),
            "traceback": strutils.mask_password(traceback),
        },
    )


def _payload(name: str, version: str, data: Mapping[str, Any]) -> Payload:
    return {
        "masakari_object.name": name,
        "masakari_object.namespace": "masakari",
        "masakari_object.version": version,
        "masakari_object.data": dict(data),
    }


def _segment(segment: model.Segment) -> Payload:
    return {
        "id": segment.id,
        "uuid": segment.uuid,
        "name": segment.name,
        "service_type": segment.service_type,
        "description": segment.description,
        "recovery_method": segment.recovery_method.value,
        "enabled": segment.enabled,
    }


def _whole_segment(segment: model.Segment) -> Payload:
    return {
        **_segment(segment),
        "created_at": _time(segment.created_at),
        "updated_at": _time(segment.updated_at),
        "deleted_at": _time(segment.deleted_at),
        "deleted": segment.deleted,
    }


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
