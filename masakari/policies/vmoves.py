# SPDX-License-Identifier: Apache-2.0
"""Rules of the moves of instances."""

from masakari.policies import base

INDEX = "os_masakari_api:vmoves:index"
DETAIL = "os_masakari_api:vmoves:detail"

_ALL = "/notifications/{notification_uuid}/vmoves"

RULES = [
    base.operation(
        "vmoves:index", "List the moves of a notification.", "GET", _ALL
    ),
    base.operation(
        "vmoves:detail", "Show a move.", "GET", f"{_ALL}/{{vmove_uuid}}"
    ),
    base.discoverable("vmoves"),
]
