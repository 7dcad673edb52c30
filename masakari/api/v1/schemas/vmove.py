# SPDX-License-Identifier: Apache-2.0
"""Schemas of the moves of instances."""

from masakari.api import paging
from masakari.api.v1.schemas import parts
from masakari.domain import model

QUERY = {**paging.PARAMETERS, "status": parts.TEXT, "type": parts.TEXT}

ITEM = parts.item(
    {
        "uuid": parts.UUID,
        "notification_uuid": parts.UUID,
        "instance_uuid": parts.TEXT,
        "instance_name": parts.TEXT,
        "source_host": parts.TEXT_OR_NULL,
        "dest_host": parts.TEXT_OR_NULL,
        "start_time": parts.TIME_OR_NULL,
        "end_time": parts.TIME_OR_NULL,
        "type": {
            "type": ["string", "null"],
            "enum": [None, *(kind.value for kind in model.VMoveType)],
        },
        "status": {
            "type": ["string", "null"],
            "enum": [None, *(status.value for status in model.VMoveStatus)],
        },
        "message": parts.TEXT_OR_NULL,
    }
)
ONE = parts.closed({"vmove": ITEM})
MANY = parts.many("vmoves", ITEM)
