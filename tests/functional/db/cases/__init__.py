# SPDX-License-Identifier: Apache-2.0
"""What holds on every database; ``database`` and ``clock`` are fixtures."""

from masakari.db import query

#: Texts that no uuid, name or marker is.
STRANGE = [
    "",
    "0",
    "not-a-uuid",
    "a\0b",
    "\0",
    "\ud800",
    "😀",
    "x" * 5000,
    "' OR 1=1 --",
    "%",
]

ALL = query.Page()
