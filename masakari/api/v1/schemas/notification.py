# SPDX-License-Identifier: Apache-2.0
"""Schemas of notifications."""

from masakari.api import paging, schema
from masakari.api.v1.schemas import parts
from masakari.domain import model

_TYPES = [kind.value for kind in model.NotificationType]
_TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
_EVENT = {"type": "string", "enum": ["STARTED", "STOPPED"]}

_PAYLOAD = {
    "type": "object",
    "patternProperties": {
        r"^[a-zA-Z0-9_:. -]{1,255}$(?!\n)": {
            "type": "string",
            "maxLength": 255,
        }
    },
    "additionalProperties": False,
}

#: What the payload has to be, by the notification's type.
PAYLOADS = {
    model.NotificationType.COMPUTE_HOST: schema.Schema(
        parts.closed(
            {
                "event": _EVENT,
                "host_status": {
                    "type": "string",
                    "enum": ["NORMAL", "UNKNOWN"],
                },
                "cluster_status": {
                    "type": "string",
                    "enum": ["ONLINE", "OFFLINE"],
                },
            },
            required=("event",),
        )
    ),
    model.NotificationType.PROCESS: schema.Schema(
        parts.closed({"event": _EVENT, "process_name": _TEXT})
    ),
    model.NotificationType.VM: schema.Schema(
        parts.closed(
            {
                "event": _TEXT,
                "instance_uuid": {"type": "string", "format": "uuid"},
                "vir_domain_event": _TEXT,
            }
        )
    ),
}

_FIELDS = {
    "type": {"type": "string", "enum": _TYPES},
    "hostname": {
        **_TEXT,
        "pattern": r"^[a-zA-Z0-9._-]*$(?!\n)",
    },
    "generated_time": {"type": "string", "format": "date-time"},
    "payload": _PAYLOAD,
}
_PUBLISHED = [
    parts.closed(
        {
            **_FIELDS,
            "type": {"type": "string", "enum": [kind.value]},
            "payload": payload.document,
        }
    )
    for kind, payload in PAYLOADS.items()
]
CREATE = schema.Versioned(
    ("1.0", parts.closed({"notification": parts.closed(_FIELDS)})),
    published=parts.closed({"notification": {"anyOf": _PUBLISHED}}),
)

QUERY = {
    **paging.PARAMETERS,
    "status": parts.TEXT,
    "type": parts.TEXT,
    "source_host_uuid": parts.TEXT,
    "generated-since": parts.TEXT,
}

_ITEM_FIELDS = {
    "notification_uuid": parts.UUID,
    "source_host_uuid": parts.UUID,
    "failover_segment_uuid": parts.UUID_OR_NULL,
    "type": {"type": "string", "enum": _TYPES},
    "status": {
        "type": "string",
        "enum": [status.value for status in model.NotificationStatus],
    },
    "payload": {"type": "object", "additionalProperties": parts.TEXT},
    "generated_time": parts.TIME,
    "message": parts.TEXT_OR_NULL,
}
_ENTRY = parts.closed(
    {"timestamp": parts.TEXT, "progress": parts.TEXT, "message": parts.TEXT}
)
_TASK = parts.closed(
    {
        "name": parts.TEXT,
        "progress": {"type": "number"},
        "state": parts.TEXT,
        "progress_details": {"type": "array", "items": _ENTRY},
    }
)

ITEM = parts.item(_ITEM_FIELDS)
CREATED = parts.closed({"notification": ITEM})
#: recovery_workflow_details is there since 1.1.
ONE = parts.closed(
    {
        "notification": {
            **parts.item(
                {
                    **_ITEM_FIELDS,
                    "recovery_workflow_details": {
                        "type": "array",
                        "items": _TASK,
                    },
                }
            ),
            "required": ITEM["required"],
        }
    }
)
MANY = parts.many("notifications", ITEM)
