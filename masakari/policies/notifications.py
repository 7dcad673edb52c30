# SPDX-License-Identifier: Apache-2.0
"""Rules of notifications.

Monitors need ``notifications:create``; by default that makes them
administrators.
"""

from masakari.policies import base

INDEX = "os_masakari_api:notifications:index"
DETAIL = "os_masakari_api:notifications:detail"
CREATE = "os_masakari_api:notifications:create"

RULES = [
    base.operation(
        "notifications:index", "List notifications.", "GET", "/notifications"
    ),
    base.operation(
        "notifications:detail",
        "Show a notification.",
        "GET",
        "/notifications/{notification_uuid}",
    ),
    base.operation(
        "notifications:create",
        "Report a failure.",
        "POST",
        "/notifications",
    ),
    base.discoverable("notifications"),
]
