# SPDX-License-Identifier: Apache-2.0
"""An engine's health over HTTP, for a supervisor and for monitoring.

Alive: started again, it would do no better. A database or a broker that is
away is waited for, and no reason to end. Ready: it takes up what is
reported.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from masakari import httpd
from masakari.engine.service import Engine
from masakari.rpc.server import EngineServer
from masakari.services import readiness

LOG = logging.getLogger(__name__)

_OK = "200 OK"
_UNAVAILABLE = "503 Service Unavailable"

#: Status, content type and text.
_Answer = tuple[str, str, str]


class Health:
    """The WSGI application.

    :param server: what has casts wake the engine
    """

    def __init__(
        self,
        engine: Engine,
        server: EngineServer,
        dependencies: readiness.Dependencies,
    ) -> None:
        self._engine = engine
        self._server = server
        self._dependencies = dependencies
        self._answers: Mapping[str, Callable[[], _Answer]] = {
            "/healthcheck": self._alive,
            "/healthcheck/ready": self._ready,
        }

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        status, kind, text = self._answer(environ)
        body = text.encode()
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        if status.startswith("503"):
            headers.append(("Retry-After", str(readiness.RETRY_AFTER)))
        start_response(status, headers)
        return [body]

    def _answer(self, environ: Mapping[str, Any]) -> _Answer:
        answer = self._answers.get(environ.get("PATH_INFO", "").rstrip("/"))
        if answer is None:
            return "404 Not Found", "text/plain", "Not found\n"
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return "405 Method Not Allowed", "text/plain", "Only GET\n"
        return answer()

    def _alive(self) -> _Answer:
        troubles = self._engine.troubles
        if self._server.trouble is not None:
            troubles.append(self._server.trouble)
        if troubles:
            return _UNAVAILABLE, "text/plain", "; ".join(troubles)
        return _OK, "text/plain", "OK"

    def _ready(self) -> _Answer:
        stopping = self._engine.stopping
        there = dict(self._dependencies.check())
        there["broker"] &= self._server.listening
        ready = (
            self._engine.started
            and there["database"]
            and not stopping
            and self._engine.denied is None
            and not self._engine.troubles
        )
        checks: dict[str, str] = dict(readiness.in_words(there))
        if self._engine.denied is not None:
            checks["nova"] = self._engine.denied
        body = {
            "ready": ready,
            "checks": checks,
            "stopping": stopping,
        }
        status = _OK if ready else _UNAVAILABLE
        return status, "application/json", json.dumps(body)


class HealthServer:
    """Answers while the engine starts, works and stops."""

    def __init__(self, address: str, port: int, health: Health) -> None:
        self._address, self._port = address, port
        self._health = health
        self._server: httpd.Server | None = None

    def start(self) -> None:
        """Listen.

        :raises OSError: the address cannot be had
        """
        listener = httpd.listen(self._address, self._port)
        self._server = httpd.Server(self._health, listener, grace=1)
        self._server.start("health")
        LOG.info(
            "The engine tells of its health on %s port %s",
            *self._server.address,
        )

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.stop()
