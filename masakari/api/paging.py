# SPDX-License-Identifier: Apache-2.0
"""Which part of a list the caller wants, and what it filters by."""

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_utils import strutils
from webob import multidict

from masakari import exception
from masakari.db import query

_TEXT = {"type": "string"}

#: What every list takes; the bounds are checked by :func:`page`.
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "limit": {"type": "integer", "minimum": 0},
    "page_size": {"type": "integer", "minimum": 0},
    "marker": _TEXT,
    "sort_key": {"type": "array", "items": _TEXT},
    "sort_dir": {
        "type": "array",
        "items": {"type": "string", "enum": ["asc", "desc"]},
    },
}


def page(parameters: multidict.MultiDict, max_limit: int) -> query.Page:
    """The page that ``parameters`` ask for, of ``max_limit`` at most.

    :raises InvalidInput: a number is none
    """
    _number(parameters, "page_size")
    limit = _number(parameters, "limit")
    return query.Page(
        limit=max_limit if limit is None else min(limit, max_limit),
        marker=last(parameters, "marker") or None,
        sort_keys=tuple(parameters.getall("sort_key")),
        sort_dirs=tuple(parameters.getall("sort_dir")),
    )


def last(parameters: multidict.MultiDict, name: str) -> str | None:
    """The last of the values given for ``name``."""
    values: Sequence[str] = parameters.getall(name)
    return values[-1] if values else None


def texts(
    parameters: multidict.MultiDict, *names: str
) -> dict[str, str | None]:
    """Filters that are texts; None where there is none."""
    return {name: last(parameters, name) for name in names}


def flags(
    parameters: multidict.MultiDict, *names: str
) -> dict[str, bool | None]:
    """Filters that are true or false, in any of their spellings.

    :raises InvalidInput: a value is neither
    """
    return {name: _flag(name, last(parameters, name)) for name in names}


def _number(parameters: multidict.MultiDict, name: str) -> int | None:
    text = last(parameters, name)
    if text is None:
        return None
    try:
        number = int(text)
    except ValueError as error:
        raise exception.InvalidInput(
            reason=f"{name} must be an integer"
        ) from error
    if number < 0:
        raise exception.InvalidInput(reason=f"{name} must be >= 0")
    return number


def _flag(name: str, text: str | None) -> bool | None:
    if text is None:
        return None
    try:
        return strutils.bool_from_string(text, strict=True)
    except ValueError as error:
        raise exception.InvalidInput(
            f"Invalid value for {name}: {error}"
        ) from error
