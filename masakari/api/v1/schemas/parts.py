# SPDX-License-Identifier: Apache-2.0
"""Pieces that several schemas are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]

NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
DESCRIPTION = {"type": ["string", "null"], "format": "description"}

_SPELLINGS = (
    "True TRUE true 1 ON On on YES Yes yes "
    "False FALSE false 0 OFF Off off NO No no"
)

#: Clients send words as well; strutils.bool_from_string understands them.
BOOLEAN = {
    "type": ["boolean", "string"],
    "enum": [True, False, *_SPELLINGS.split()],
}

TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$",
}
TIME_OR_NULL = {**TIME, "type": ["string", "null"]}
UUID = {"type": "string", "pattern": "^[0-9a-f-]{36}$"}
UUID_OR_NULL = {**UUID, "type": ["string", "null"]}

_RECORD: Document = {
    "id": {"type": "integer"},
    "created_at": TIME_OR_NULL,
    "updated_at": TIME_OR_NULL,
    "deleted_at": TIME_OR_NULL,
    "deleted": {"type": "boolean"},
}


def closed(
    properties: Document, required: Sequence[str] | None = None
) -> dict[str, Any]:
    """An object with these properties and no others.

    :param required: which have to be there; None means all
    """
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def change(properties: Document) -> dict[str, Any]:
    """An object with at least one of these properties and no others."""
    return {
        **closed(properties, required=()),
        "anyOf": [{"required": [name]} for name in properties],
    }


def item(properties: Document) -> dict[str, Any]:
    """An item of an answer, with what every item has."""
    return closed({**_RECORD, **properties})


def many(name: str, of: Document) -> dict[str, Any]:
    """The answer that is a list, and nothing beside it."""
    return closed({name: {"type": "array", "items": of}})
