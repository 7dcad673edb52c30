# SPDX-License-Identifier: Apache-2.0
"""Instance metadata is free text that users type; nothing in it is wrong."""

_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})


def is_true(text: str | None) -> bool:
    """What is no boolean is false."""
    return (text or "").strip().lower() in _TRUE


def integer(text: str | None) -> int:
    """What is no integer is 0, as if absent.

    The range is that of the database's integers.
    """
    try:
        value = int(text or 0)
    except ValueError:
        return 0
    return max(-(2**31), min(2**31 - 1, value))
