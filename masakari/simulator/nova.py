# SPDX-License-Identifier: Apache-2.0
"""The simulated Nova's REST API: who asks, and in which version."""

import dataclasses
import datetime
import urllib.parse
from collections.abc import Callable, Iterable
from typing import TypeVar

from masakari.simulator import views
from masakari.simulator.cloud import Cloud
from masakari.simulator.gate import Answer
from masakari.simulator.records import CloudError
from masakari.simulator.tokens import Token, Tokens, known_id
from masakari.simulator.web import Body, Request, Response, Router

T = TypeVar("T")

#: Nova's [api] max_limit.
MAX_LIMIT = 1000

_ERRORS = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    429: "overLimit",
    503: "serviceUnavailable",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and in which microversion."""

    token: Token
    version: views.Version

    @property
    def is_admin(self) -> bool:
        return "admin" in self.token.roles

    @property
    def project_id(self) -> str:
        name = self.token.project
        return "" if name is None else known_id("project", name)


def error_body(error: CloudError) -> Body:
    """An error as Nova writes it."""
    name = _ERRORS.get(error.code, "computeFault")
    return {name: {"code": error.code, "message": str(error)}}


def page(
    request: Request, items: Iterable[T], identity: Callable[[T], str]
) -> tuple[list[T], list[Body]]:
    """The page that ``limit`` and ``marker`` ask for, and its next link.

    :raises CloudError: 400
    """
    query = request.query
    found = list(items)
    marker = query.get("marker")
    if marker is not None:
        names = [identity(item) for item in found]
        if marker not in names:
            raise CloudError(400, f"Marker {marker} could not be found.")
        found = found[names.index(marker) + 1 :]
    limit = query.get("limit", str(MAX_LIMIT))
    if not limit.isdigit():
        raise CloudError(400, f"Invalid input for query parameters: {limit}")
    size = min(int(limit), MAX_LIMIT)
    shown = found[:size]
    if not shown or len(shown) < size:
        return shown, []
    more = {**query, "limit": str(size), "marker": identity(shown[-1])}
    address = f"{request.base}{request.environ['PATH_INFO']}"
    link = f"{address}?{urllib.parse.urlencode(more)}"
    return shown, [{"rel": "next", "href": link}]


def parse_time(text: str) -> float:
    """:raises CloudError: 400"""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise CloudError(400, f"Invalid time {text}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()


class Nova:
    """:param newest: the highest microversion it knows
    :param wait: lets seconds pass, for answers that take their time
    """

    def __init__(
        self,
        cloud: Cloud,
        tokens: Tokens,
        wait: Callable[[float], None],
        newest: views.Version,
    ) -> None:
        self.cloud = cloud
        self._tokens = tokens
        self._wait = wait
        self._newest = newest
        self.routes = Router()
        for path in ("", "/"):
            self.routes.add("GET", path, self._versions)
            self.routes.add("GET", f"/v2.1{path}", self._show_version)

    def caller(self, request: Request, *, admin: bool = True) -> Caller:
        """Check the token and the microversion.

        :raises CloudError: 400, 401, 403, 406
        """
        token = self._tokens.find(request.header("X-Auth-Token"))
        if token is None:
            raise CloudError(
                401, "The request you have made requires authentication."
            )
        caller = Caller(token, self.microversion(request))
        if admin and not caller.is_admin:
            raise CloudError(
                403, "Policy doesn't allow this action to be performed."
            )
        return caller

    def microversion(self, request: Request) -> views.Version:
        """:raises CloudError: 400, 406"""
        asked = request.header("OpenStack-API-Version") or ""
        wanted = asked.removeprefix("compute ") if "compute" in asked else None
        legacy = request.header("X-OpenStack-Nova-API-Version")
        text = wanted or legacy or "2.1"
        if text == "latest":
            return self._newest
        major, _, minor = text.partition(".")
        if not (major.isdigit() and minor.isdigit()):
            raise CloudError(400, f"API Version String {text} is invalid")
        version = int(major), int(minor)
        if not (2, 1) <= version <= self._newest:
            newest = "{}.{}".format(*self._newest)
            raise CloudError(
                406,
                f"Version {text} is not supported by the API. "
                f"Minimum is 2.1 and maximum is {newest}.",
            )
        return version

    def ask(self, answer: Answer[T]) -> T:
        """The answer's value, in the time it takes."""
        if answer.delay > 0:
            self._wait(answer.delay)
        return answer.value

    def _document(self, request: Request) -> Body:
        href = f"{request.base}/compute/v2.1/"
        return {
            "id": "v2.1",
            "status": "CURRENT",
            "version": "{}.{}".format(*self._newest),
            "min_version": "2.1",
            "updated": "2013-07-23T11:33:21Z",
            "links": [{"rel": "self", "href": href}],
        }

    def _versions(self, request: Request) -> Response:
        return Response(200, {"versions": [self._document(request)]})

    def _show_version(self, request: Request) -> Response:
        return Response(200, {"version": self._document(request)})
