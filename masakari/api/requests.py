# SPDX-License-Identifier: Apache-2.0
"""Reading what a caller sent: media types, the body, the query."""

import json
from collections.abc import Mapping
from typing import Any

import webob
from webob import multidict

from masakari.api import faults, versions

MEDIA_TYPES = ("application/json", versions.MEDIA_TYPE)

_READ_AS_JSON = ("", "text/plain", *MEDIA_TYPES)


class Request(webob.Request):  # type: ignore[misc]
    """A request whose parameters are not spread over arguments.

    Pecan asks ``params`` and ``json`` for arguments of the function it
    calls; there are none to find.
    """

    @property
    def params(self) -> multidict.NoVars:
        return multidict.NoVars()

    @property
    def json(self) -> Mapping[str, Any]:
        return {}


def check_content_type(request: webob.Request) -> None:
    """:raises Fault: 415 for what cannot be JSON"""
    if request.content_type not in _READ_AS_JSON:
        raise faults.Fault(415, "Unsupported Content-Type")


def accepted_type(request: webob.Request) -> str:
    """The media type of the answer; JSON where nothing fits."""
    offers = request.accept.acceptable_offers(MEDIA_TYPES)
    return str(offers[0][0]) if offers else MEDIA_TYPES[0]


def body(request: webob.Request) -> Any:
    """The decoded body; None when it is empty.

    :raises Fault: 400 for what is not JSON in UTF-8
    """
    raw = request.body
    if not raw:
        return None
    try:
        return json.loads(raw.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise faults.Fault(400, "Malformed request body") from error


def query(request: webob.Request) -> multidict.MultiDict:
    """The parameters of the query.

    :raises Fault: 400 for what is not UTF-8
    """
    try:
        return request.GET
    except UnicodeDecodeError as error:
        raise faults.Fault(
            400, "Malformed request URL: the query is not UTF-8"
        ) from error


def _refuse(constant: str) -> None:
    """NaN and the infinities are no JSON."""
    raise ValueError(constant)
