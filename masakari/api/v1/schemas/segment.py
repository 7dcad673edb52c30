# SPDX-License-Identifier: Apache-2.0
"""Schemas of failover segments."""

from masakari.api import paging, schema
from masakari.api.v1.schemas import parts
from masakari.domain import model

_METHODS = [method.value for method in model.RecoveryMethod]

_FIELDS = {
    "name": parts.NAME,
    "recovery_method": {"type": "string", "enum": _METHODS},
    "service_type": parts.NAME,
    "description": parts.DESCRIPTION,
}
_FIELDS_1_2 = {**_FIELDS, "enabled": parts.BOOLEAN}
_REQUIRED = ("name", "recovery_method", "service_type")

CREATE = schema.Versioned(
    ("1.0", parts.closed({"segment": parts.closed(_FIELDS, _REQUIRED)})),
    ("1.2", parts.closed({"segment": parts.closed(_FIELDS_1_2, _REQUIRED)})),
)
UPDATE = schema.Versioned(
    ("1.0", parts.closed({"segment": parts.change(_FIELDS)})),
    ("1.2", parts.closed({"segment": parts.change(_FIELDS_1_2)})),
)

QUERY = {
    **paging.PARAMETERS,
    "recovery_method": parts.TEXT,
    "service_type": parts.TEXT,
    "enabled": parts.TEXT,
}

ITEM = parts.item(
    {
        "uuid": parts.UUID,
        "name": parts.TEXT,
        "service_type": parts.TEXT,
        "recovery_method": {"type": "string", "enum": _METHODS},
        "enabled": {"type": "boolean"},
        "description": parts.TEXT_OR_NULL,
    }
)
ONE = parts.closed({"segment": ITEM})
MANY = parts.many("segments", ITEM)
