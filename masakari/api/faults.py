# SPDX-License-Identifier: Apache-2.0
"""Errors as the API's callers see them.

A body is ``{"<name>": {"code": ..., "message": ...}}``. What was not
foreseen is logged with its traceback and answered with a fixed sentence.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import webob
import webob.exc
from keystoneauth1 import exceptions as auth_exceptions

from masakari import context, exception
from masakari.api import wsgi

LOG = logging.getLogger(__name__)

#: Seconds after which a caller may come back when a neighbour is away.
RETRY_AFTER = 10

_REQUEST_ID = "openstack.request_id"

#: Methods that change nothing when they are refused.
_READING = ("GET", "HEAD", "OPTIONS")

#: Characters of a path, or of a reason, that are logged.
_LONGEST = 500

_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}

_CODES: tuple[tuple[type[exception.MasakariException], int], ...] = (
    (exception.InvalidInput, 400),
    (exception.Forbidden, 403),
    (exception.NotFound, 404),
    (exception.Conflict, 409),
    (exception.ServiceUnavailable, 503),
)

_UNEXPECTED = (
    "Unexpected API Error. Please report this at "
    "https://bugs.launchpad.net/masakari/ and attach the Masakari API log "
    "if possible.\n%s"
)


class Fault(Exception):
    """An answer that is an error.

    :param code: the HTTP status
    :param message: what the caller reads
    :param headers: headers to add to the answer
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class FaultWrapper:
    """The outermost guard: whatever fails inside is still answered.

    What is logged before the caller is known is logged under the request's
    id, and not under whom the thread served before.
    """

    def __init__(self, application: wsgi.Application) -> None:
        self.application = application

    @classmethod
    def factory(
        cls, global_conf: Mapping[str, str], **local_conf: str
    ) -> "type[FaultWrapper]":
        """For PasteDeploy."""
        del global_conf, local_conf
        return cls

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        # The log goes by the context that the thread has made last.
        context.RequestContext(
            request_id=environ.get(_REQUEST_ID),
            global_request_id=environ.get("openstack.global_request_id"),
        )
        try:
            return self.application(environ, start_response)
        except Exception as error:
            answer = response(error, environ)
            return wsgi.respond(answer, environ, start_response)


def response(error: Exception, environ: wsgi.Environ) -> webob.Response:
    """The answer to a request that ended in ``error``."""
    fault = _fault(error)
    if fault is None:
        LOG.error(
            "The request %s %s failed unexpectedly.",
            environ.get("REQUEST_METHOD"),
            environ.get("PATH_INFO"),
            exc_info=error,
        )
        request_id = environ.get(_REQUEST_ID, "")
        fault = Fault(500, (_UNEXPECTED % request_id).rstrip())
    elif 400 <= fault.code < 500:
        _log_refusal(fault, environ)
    return _render(fault)


def _log_refusal(fault: Fault, environ: wsgi.Environ) -> None:
    """Say why something was not done.

    Monitors drop what is refused: for whoever looks for the report of a
    failure later, this line is all that there is of it.
    """
    method = environ.get("REQUEST_METHOD")
    if method in _READING:
        return
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    LOG.info(
        "The request %s %s is refused (%d): %s",
        method,
        path[:_LONGEST],
        fault.code,
        fault.message[:_LONGEST],
    )


def not_routed(request: webob.Request) -> webob.Response:
    """The answer where nothing is: plain text, or JSON when asked for."""
    missing = webob.exc.HTTPNotFound()
    title = f"{missing.code} {missing.title}"
    text = missing.explanation
    offers = request.accept.acceptable_offers(
        ["text/plain", "application/json"]
    )
    if offers and offers[0][0] == "application/json":
        body = {"message": text, "code": title, "title": missing.title}
        return webob.Response(status=404, json_body=body)
    return webob.Response(
        status=404, text=f"{title}\n\n{text}\n", content_type="text/plain"
    )


def _fault(error: Exception) -> Fault | None:
    if isinstance(error, Fault):
        return error
    if isinstance(error, auth_exceptions.ConnectionError):
        LOG.warning("Keystone cannot be asked about a token: %s", error)
        return _fault(exception.ServiceUnavailable())
    if isinstance(error, webob.exc.HTTPException):
        return Fault(error.code, error.explanation)
    for kind, code in _CODES:
        if isinstance(error, kind):
            headers = {"Retry-After": str(RETRY_AFTER)} if code == 503 else {}
            return Fault(code, str(error), headers=headers)
    return None


def _render(fault: Fault) -> webob.Response:
    name = _NAMES.get(fault.code, "masakariFault")
    content: dict[str, Any] = {"code": fault.code, "message": fault.message}
    retry_after = fault.headers.get("Retry-After")
    if name == "overLimit" and retry_after is not None:
        content["retryAfter"] = retry_after
    answer = webob.Response(
        status=fault.code,
        body=json.dumps({name: content}).encode(),
        content_type="application/json",
    )
    answer.headers["Content-Type"] = "application/json; charset=UTF-8"
    answer.headers.update(fault.headers)
    return answer
