# SPDX-License-Identifier: Apache-2.0
"""Schemas of hosts."""

from masakari.api import paging, schema
from masakari.api.v1.schemas import parts, segment

_FIELDS = {
    "name": parts.NAME,
    "type": {
        "type": "string",
        "maxLength": 255,
        "pattern": r"^[a-zA-Z0-9]*$(?!\n)",
    },
    "control_attributes": {"type": "string", "format": "description"},
    "reserved": parts.BOOLEAN,
    "on_maintenance": parts.BOOLEAN,
}
_REQUIRED = ("name", "type", "control_attributes")

CREATE = schema.Versioned(
    ("1.0", parts.closed({"host": parts.closed(_FIELDS, _REQUIRED)}))
)
UPDATE = schema.Versioned(
    ("1.0", parts.closed({"host": parts.change(_FIELDS)}))
)

QUERY = {
    **paging.PARAMETERS,
    "type": parts.TEXT,
    "name": parts.TEXT,
    "control_attributes": parts.TEXT,
    "reserved": parts.TEXT,
    "on_maintenance": parts.TEXT,
}

ITEM = parts.item(
    {
        "uuid": parts.UUID,
        "name": parts.TEXT,
        "type": parts.TEXT,
        "control_attributes": parts.TEXT,
        "reserved": {"type": "boolean"},
        "on_maintenance": {"type": "boolean"},
        "failover_segment_id": parts.UUID,
        "failover_segment": segment.ITEM,
    }
)
ONE = parts.closed({"host": ITEM})
MANY = parts.many("hosts", ITEM)
