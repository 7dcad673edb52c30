# SPDX-License-Identifier: Apache-2.0
"""Rules of the hosts of a segment."""

from masakari.policies import base

INDEX = "os_masakari_api:os-hosts:index"
DETAIL = "os_masakari_api:os-hosts:detail"
CREATE = "os_masakari_api:os-hosts:create"
UPDATE = "os_masakari_api:os-hosts:update"
DELETE = "os_masakari_api:os-hosts:delete"

_ALL = "/segments/{segment_uuid}/hosts"
_ONE = "/segments/{segment_uuid}/hosts/{host_uuid}"

RULES = [
    base.operation("os-hosts:index", "List a segment's hosts.", "GET", _ALL),
    base.operation("os-hosts:detail", "Show a host.", "GET", _ONE),
    base.operation(
        "os-hosts:create", "Add a host to a segment.", "POST", _ALL
    ),
    base.operation("os-hosts:update", "Change a host.", "PUT", _ONE),
    base.operation(
        "os-hosts:delete", "Take a host out of its segment.", "DELETE", _ONE
    ),
    base.discoverable("os-hosts"),
]
