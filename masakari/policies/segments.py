# SPDX-License-Identifier: Apache-2.0
"""Rules of failover segments."""

from masakari.policies import base

INDEX = "os_masakari_api:segments:index"
DETAIL = "os_masakari_api:segments:detail"
CREATE = "os_masakari_api:segments:create"
UPDATE = "os_masakari_api:segments:update"
DELETE = "os_masakari_api:segments:delete"

_ONE = "/segments/{segment_uuid}"

RULES = [
    base.operation("segments:index", "List segments.", "GET", "/segments"),
    base.operation("segments:detail", "Show a segment.", "GET", _ONE),
    base.operation(
        "segments:create", "Create a segment.", "POST", "/segments"
    ),
    base.operation("segments:update", "Change a segment.", "PUT", _ONE),
    base.operation(
        "segments:delete",
        "Delete a segment together with its hosts.",
        "DELETE",
        _ONE,
    ),
    base.discoverable("segments"),
]
