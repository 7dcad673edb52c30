# SPDX-License-Identifier: Apache-2.0
"""``/healthcheck/ready``: whether requests can be answered.

Without the database none can. Without the broker all can: what is accepted
is in the database, where engines find it, so that a process which does not
reach the broker is no worse than another one. It is told, and changes
nothing.
"""

from collections.abc import Iterable, Mapping

import webob
import webob.exc

from masakari.api import composition, faults, paste, wsgi
from masakari.rpc.broker import Broker
from masakari.services import readiness


class Ready:
    """The application, for any path below which it is mounted."""

    def __init__(self, dependencies: readiness.Dependencies) -> None:
        self._dependencies = dependencies

    @classmethod
    def of(cls, parts: composition.Composition) -> "Ready":
        """For an application of these parts.

        :raises ConfigurationError: ``transport_url`` makes no sense
        """
        return cls(
            readiness.Dependencies(parts.services.database, Broker(parts.conf))
        )

    @classmethod
    def factory(
        cls, global_conf: Mapping[str, str], **local_conf: str
    ) -> wsgi.Application:
        """For PasteDeploy."""
        del global_conf, local_conf
        return faults.Guard(cls.of(paste.current()))

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        return wsgi.respond(
            self._answer(webob.Request(environ)), environ, start_response
        )

    def _answer(self, request: webob.Request) -> webob.Response:
        if request.path_info.strip("/"):
            return faults.not_routed(request)
        if request.method not in ("GET", "HEAD"):
            raise faults.Fault(
                405, "Method not allowed.", headers={"Allow": "GET, HEAD"}
            )
        there = self._dependencies.check()
        ready = there["database"]
        answer = webob.Response(
            status=200 if ready else 503,
            json_body={"ready": ready, "checks": readiness.in_words(there)},
        )
        if not ready:
            answer.headers["Retry-After"] = str(readiness.RETRY_AFTER)
        return answer
