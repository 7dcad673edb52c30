# SPDX-License-Identifier: Apache-2.0
"""Schemas of the version document and of the list of extensions."""

from masakari.api.v1.schemas import parts

_LINK = {
    "type": "object",
    "properties": {"rel": parts.TEXT, "href": parts.TEXT},
    "required": ["rel", "href"],
}
_MEDIA_TYPE = parts.closed({"base": parts.TEXT, "type": parts.TEXT})

VERSION = parts.closed(
    {
        "version": parts.closed(
            {
                "id": parts.TEXT,
                "status": parts.TEXT,
                "version": parts.TEXT,
                "min_version": parts.TEXT,
                "updated": parts.TEXT,
                "links": {"type": "array", "items": _LINK},
                "media-types": {"type": "array", "items": _MEDIA_TYPE},
            }
        )
    }
)

_EXTENSION = parts.closed(
    {
        "name": parts.TEXT,
        "alias": parts.TEXT,
        "description": parts.TEXT,
        "namespace": parts.TEXT,
        "updated": parts.TEXT,
        "links": {"type": "array"},
    }
)
EXTENSION = parts.closed({"extension": _EXTENSION})
EXTENSIONS = parts.many("extensions", _EXTENSION)
