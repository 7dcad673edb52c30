# SPDX-License-Identifier: Apache-2.0
"""Rules of the version documents.

``versions:index`` is known to policy files but never asked: whoever can
reach the API may see its versions.
"""

from masakari.policies import base

RULES = [
    base.operation(
        "versions:index",
        "See the versions of the API. Not enforced.",
        "GET",
        "/",
        base.ANYBODY,
    ),
    base.discoverable("versions", base.ANYBODY),
]
