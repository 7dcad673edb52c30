# SPDX-License-Identifier: Apache-2.0
"""Requests, answers and routes: no more of HTTP than the simulator needs."""

import dataclasses
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from masakari.simulator.records import CloudError

#: A JSON object that came from or goes to a client.
Body = dict[str, Any]


@dataclasses.dataclass(slots=True)
class Request:
    """One request; ``path`` is below the service's root."""

    environ: Mapping[str, Any]
    path: str
    service: str

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @property
    def base(self) -> str:
        """Where the client reaches the server, without a trailing slash."""
        host = self.environ.get("HTTP_HOST")
        if not host:
            host = "{SERVER_NAME}:{SERVER_PORT}".format_map(self.environ)
        return f"http://{host}"

    def header(self, name: str) -> str | None:
        value = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)

    @property
    def query(self) -> dict[str, str]:
        """The last value of each parameter."""
        text = str(self.environ.get("QUERY_STRING", ""))
        return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))

    def body(self) -> Body:
        """:raises CloudError: 400 when it is not a JSON object"""
        length = int(self.environ.get("CONTENT_LENGTH") or 0)
        try:
            value = json.loads(self.environ["wsgi.input"].read(length))
        except ValueError:
            raise CloudError(400, "Malformed request body") from None
        if not isinstance(value, dict):
            raise CloudError(400, "Malformed request body")
        return value


@dataclasses.dataclass(slots=True)
class Response:
    """:param body: None sends no content"""

    status: int = 200
    body: Body | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    def send(self, start_response: Callable[..., object]) -> Iterable[bytes]:
        content = b""
        if self.body is not None:
            content = json.dumps(self.body).encode()
            self.headers["Content-Type"] = "application/json"
        self.headers["Content-Length"] = str(len(content))
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Error"
        start_response(f"{self.status} {phrase}", list(self.headers.items()))
        return [content]


class Router:
    """Which function answers which method and path."""

    def __init__(self) -> None:
        self._routes: list[
            tuple[str, re.Pattern[str], str, Callable[..., Response]]
        ] = []

    def add(
        self, method: str, path: str, answer: Callable[..., Response]
    ) -> None:
        """:param path: like ``/servers/{uuid}``; names become arguments"""
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)
        compiled = re.compile(pattern)
        self._routes.append((method, compiled, path, answer))

    def find(
        self, method: str, path: str
    ) -> tuple[str, Callable[..., Response], dict[str, str]]:
        """The route's own path, the function and its arguments.

        :raises CloudError: 404, 405
        """
        known = False
        for verb, pattern, route, answer in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if verb == method:
                return route, answer, found.groupdict()
            known = True
        if known:
            raise CloudError(405, "Method Not Allowed")
        raise CloudError(404, "The resource could not be found.")
