# SPDX-License-Identifier: Apache-2.0
"""The versions of the API: their history, documents and negotiation."""

import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import microversion_parse
import webob

from masakari.api import faults, wsgi

SERVICE_TYPE = "instance-ha"
HEADER = "OpenStack-API-Version"
MEDIA_TYPE = "application/vnd.openstack.masakari+json"

#: Every microversion and what it changed, oldest first.
HISTORY = (
    ("1.0", "The first version."),
    ("1.1", "Showing a notification adds recovery_workflow_details."),
    ("1.2", "A segment can be created or updated with enabled."),
    ("1.3", "The moves of instances (vmoves) can be read."),
)

MINIMUM = HISTORY[0][0]
MAXIMUM = HISTORY[-1][0]

_KNOWN = frozenset(version for version, _ in HISTORY)
_FORMAT = re.compile(r"[1-9][0-9]*\.(0|[1-9][0-9]*)")

_ID = "v1.0"
_MEDIA_TYPES = [
    {"base": "application/json", "type": f"{MEDIA_TYPE};version=1"}
]


class Version(NamedTuple):
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def parse(text: str) -> Version:
    """The version that ``text``, one of :data:`HISTORY`, means."""
    major, minor = text.split(".")
    return Version(int(major), int(minor))


def negotiate(headers: Mapping[str, str]) -> Version:
    """The version that the caller asked for.

    :raises Fault: 400 for what is not a version, 406 for an unknown one
    """
    text = microversion_parse.get_version(dict(headers), SERVICE_TYPE)
    if text is None:
        text = MINIMUM
    elif text == "latest":
        text = MAXIMUM
    if not _FORMAT.fullmatch(text):
        raise faults.Fault(
            400,
            f"API Version String {text} is of invalid format. "
            "Must be of format MajorNum.MinorNum.",
        )
    if text not in _KNOWN:
        raise faults.Fault(
            406,
            f"Version {text} is not supported by the API. "
            f"Minimum is {MINIMUM} and maximum is {MAXIMUM}.",
            headers=response_headers(text),
        )
    return parse(text)


def response_headers(version: object) -> dict[str, str]:
    """The headers that tell which version an answer is of."""
    return {HEADER: f"{SERVICE_TYPE} {version}", "Vary": HEADER}


def document(root: str) -> dict[str, Any]:
    """The document of version 1.

    :param root: URL of version 1, without a slash at its end
    """
    described = {
        "rel": "describedby",
        "type": "text/html",
        "href": "https://docs.openstack.org/",
    }
    links = [{"rel": "self", "href": f"{root}/"}, described]
    return {**_summary(links), "media-types": _MEDIA_TYPES}


def root_url(request: webob.Request, link_prefix: str | None) -> str:
    """The URL under which the application was reached.

    :param link_prefix: what to put in place of scheme and host and in front
        of the path; None changes nothing
    """
    url: str = request.application_url
    if link_prefix:
        prefix = urllib.parse.urlsplit(link_prefix)
        path = prefix.path.rstrip("/") + urllib.parse.urlsplit(url).path
        url = urllib.parse.urlunsplit(
            (prefix.scheme, prefix.netloc, path, "", "")
        )
    return url.rstrip("/")


class Versions:
    """Answers everything that lies beside version 1: which versions exist.

    :param link_prefix: see :func:`root_url`
    """

    def __init__(self, link_prefix: str | None = None) -> None:
        self.link_prefix = link_prefix

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        request = webob.Request(environ)
        root = root_url(request, self.link_prefix)
        if request.path_info in ("", "/"):
            links = [{"rel": "self", "href": f"{root}/v1/"}]
            answer = _json(200, {"versions": [_summary(links)]})
        else:
            path = urllib.parse.quote(request.path_info.lstrip("/"))
            answer = _json(300, {"choices": [_choice(f"{root}/v1/{path}")]})
        return wsgi.respond(answer, environ, start_response)


def _summary(links: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "id": _ID,
        "status": "CURRENT",
        "version": MAXIMUM,
        "min_version": MINIMUM,
        "updated": "2016-07-01T11:33:21Z",
        "links": links,
    }


def _choice(href: str) -> dict[str, Any]:
    return {
        "id": _ID,
        "status": "CURRENT",
        "links": [{"rel": "self", "href": href}],
        "media-types": _MEDIA_TYPES,
    }


def _json(status: int, body: object) -> webob.Response:
    return webob.Response(
        status=status, json_body=body, content_type="application/json"
    )
