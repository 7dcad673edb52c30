# SPDX-License-Identifier: Apache-2.0
"""The simulated cloud as real HTTP: Keystone and Nova on one port."""

import collections
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from masakari import httpd
from masakari.simulator import (
    keystone,
    nova,
    nova_hosts,
    nova_servers,
    views,
)
from masakari.simulator.cloud import Cloud
from masakari.simulator.gate import NoAnswer
from masakari.simulator.records import CloudError
from masakari.simulator.tokens import Tokens
from masakari.simulator.web import Body, Request, Response, Router


class SimulatorServer:
    """Serves a cloud until it is stopped.

    :param cloud: its clock has to be the wall clock's time
    :param port: 0 takes a free one
    :param ha_url: the instance-ha endpoint of the catalogue; None leaves
        the entry out
    :param password: every user's
    :param token_lifetime: seconds
    :param newest: Nova's highest microversion
    :param hang_seconds: how long a request is held that gets no answer
    :ivar requests: how often each (service, method and route) was asked
    :ivar request_ids: the global request ids that Nova was told, the latest
    """

    def __init__(
        self,
        cloud: Cloud,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        ha_url: str | None = None,
        password: str = "secret",  # noqa: S107
        token_lifetime: float = 3600.0,
        newest: views.Version = (2, 96),
        hang_seconds: float = 300.0,
        threads: int = 64,
    ) -> None:
        self.cloud = cloud
        self.tokens = Tokens(lambda: cloud.now, password, token_lifetime)
        self.requests: collections.Counter[tuple[str, str]] = (
            collections.Counter()
        )
        self.request_ids: collections.deque[str] = collections.deque(
            maxlen=1000
        )
        self._hang_seconds = hang_seconds
        self._stopping = threading.Event()
        catalog = {
            "identity": ("keystone", "{base}/identity/v3"),
            "compute": ("nova", "{base}/compute/v2.1"),
        }
        self._catalog = catalog
        if ha_url is not None:
            self.add_endpoint("instance-ha", "masakari", ha_url)
        face = nova.Nova(cloud, self.tokens, self._wait, newest)
        nova_hosts.Hosts(face)
        nova_servers.Servers(face)
        self._nova = face
        identity = keystone.Keystone(cloud.gate, self.tokens, catalog)
        self._faces: dict[str, tuple[Router, Callable[[CloudError], Body]]] = {
            "identity": (identity.routes, keystone.error_body),
            "compute": (face.routes, nova.error_body),
        }
        self._where = (host, port)
        self._threads = threads
        self._server: httpd.Server | None = None

    def _wait(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    @property
    def url(self) -> str:
        """Without a trailing slash; known after :meth:`start`."""
        assert self._server is not None  # noqa: S101
        return f"http://{self._server.netloc}"

    @property
    def auth_url(self) -> str:
        """Keystone's address."""
        return f"{self.url}/identity/v3"

    def add_endpoint(self, kind: str, name: str, url: str) -> None:
        """Put a service of type ``kind`` into the catalogue."""
        self._catalog[kind] = (name, url)

    def start(self) -> None:
        """Listen, and serve in a thread.

        :raises OSError: the port cannot be had
        """
        self._server = httpd.Server(
            self,
            httpd.listen(*self._where),
            threads=self._threads,
            timeout=None,
            grace=1,
        )
        self._server.start("simulator")

    def stop(self) -> None:
        """Let go of requests that hang, and close the port."""
        self._stopping.set()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> "SimulatorServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __call__(
        self,
        environ: Mapping[str, Any],
        start_response: Callable[..., object],
    ) -> Iterable[bytes]:
        """The WSGI application."""
        service, _, rest = str(environ["PATH_INFO"])[1:].partition("/")
        request = Request(environ, f"/{rest}" if rest else "", service)
        response = self._answer(request)
        response.headers["X-Openstack-Request-Id"] = f"req-{uuid.uuid4()}"
        if service == "compute":
            self._label(request, response)
        return response.send(start_response)

    def _label(self, request: Request, response: Response) -> None:
        told = request.header("X-Openstack-Request-Id")
        if told is not None:
            self.request_ids.append(told)
        try:
            version = "{}.{}".format(*self._nova.microversion(request))
        except CloudError:
            return
        response.headers["OpenStack-API-Version"] = f"compute {version}"
        response.headers["X-OpenStack-Nova-API-Version"] = version
        response.headers["Vary"] = "OpenStack-API-Version"

    def _answer(self, request: Request) -> Response:
        if request.service not in self._faces:
            return Response(404, {"error": {"code": 404}})
        routes, describe = self._faces[request.service]
        try:
            route, answer, arguments = routes.find(
                request.method, request.path
            )
            self.requests[request.service, f"{request.method} {route}"] += 1
            return answer(request, **arguments)
        except NoAnswer:
            self._wait(self._hang_seconds)
            return Response(504, {"error": {"code": 504}})
        except CloudError as error:
            return self._refuse(request, error, describe(error))

    def _refuse(
        self, request: Request, error: CloudError, body: Body
    ) -> Response:
        response = Response(error.code, body)
        if error.retry_after is not None:
            response.headers["Retry-After"] = f"{error.retry_after:g}"
        if error.code == 401:
            where = f"{request.base}/identity"
            response.headers["WWW-Authenticate"] = f'Keystone uri="{where}"'
        return response
