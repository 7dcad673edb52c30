# SPDX-License-Identifier: Apache-2.0
"""``/healthcheck/ready``: whether requests can be answered.

Without the database none can. Without the broker all can: what is accepted
is in the database, where engines find it, so that a process which does not
reach the broker is no worse than another one. It is told, and changes
nothing. Without Keystone those can whose tokens are remembered; with a
Keystone that refuses Masakari itself none can, and that does not pass.
"""

import logging
import math
import time
from collections.abc import Iterable, Mapping

import webob
import webob.exc

from masakari import keystone
from masakari.api import composition, faults, paste, tokens, wsgi
from masakari.rpc.broker import Broker
from masakari.services import readiness

LOG = logging.getLogger(__name__)

#: Seconds for which an answer of Keystone holds: it has more to do.
_FRESHNESS = 10


class Tokens:
    """Whether tokens can be checked.

    :param check: asks Keystone
    :param remembered: seconds for which those that were checked are known
    """

    def __init__(self, check: tokens.Check, remembered: float) -> None:
        self._probe = readiness.Probe(check.ask, _FRESHNESS)
        self._remembered = remembered
        self._good_until = -math.inf
        self._told: str | None = None

    @classmethod
    def of(cls, parts: composition.Composition) -> "Tokens | None":
        """None where it is not known how tokens are checked."""
        conf = parts.conf
        if conf.auth_strategy != "keystone":
            return None
        credentials = keystone.for_tokens(conf)
        if credentials is None:
            return None
        return cls(
            tokens.Check(conf, credentials),
            conf[tokens.GROUP].token_cache_time,
        )

    def begin(self) -> None:
        """Ask, if it is time to."""
        self._probe.begin()

    def state(self) -> tuple[bool, str]:
        """Whether requests can be answered, and how it stands, in words."""
        good, refusal = self._probe.ask_in_time()
        now = time.monotonic()
        if good:
            self._good_until, self._told = now + self._remembered, None
            return True, "ok"
        if refusal is None:
            return now < self._good_until, "away"
        if refusal != self._told:
            self._told = refusal
            LOG.error(
                "Keystone does not let Masakari check tokens, and requests "
                "are answered with 503 before that is put right: %s",
                refusal,
            )
        return False, f"refuses Masakari: {refusal}"


class Ready:
    """The application, for any path below which it is mounted.

    :param tokens: None where it does not matter whether they can be checked
    """

    def __init__(
        self,
        dependencies: readiness.Dependencies,
        tokens: Tokens | None = None,
    ) -> None:
        self._dependencies = dependencies
        self._tokens = tokens

    @classmethod
    def of(cls, parts: composition.Composition) -> "Ready":
        """For an application of these parts.

        :raises ConfigurationError: ``transport_url`` makes no sense
        """
        return cls(
            readiness.Dependencies(
                parts.services.database, Broker(parts.conf)
            ),
            Tokens.of(parts),
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
        if self._tokens is not None:
            self._tokens.begin()
        there = self._dependencies.check()
        ready, checks = there["database"], readiness.in_words(there)
        if self._tokens is not None:
            checked, checks["keystone"] = self._tokens.state()
            ready = ready and checked
        answer = webob.Response(
            status=200 if ready else 503,
            json_body={"ready": ready, "checks": checks},
        )
        if not ready:
            answer.headers["Retry-After"] = str(readiness.RETRY_AFTER)
        return answer
