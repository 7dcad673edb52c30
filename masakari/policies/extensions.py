# SPDX-License-Identifier: Apache-2.0
"""Rules of the list of extensions."""

from masakari.policies import base

INDEX = "os_masakari_api:extensions:index"
DETAIL = "os_masakari_api:extensions:detail"

RULES = [
    base.operation(
        "extensions:index", "List the extensions.", "GET", "/extensions"
    ),
    base.operation(
        "extensions:detail",
        "Show an extension.",
        "GET",
        "/extensions/{alias}",
    ),
    base.discoverable("extensions"),
]
