# SPDX-License-Identifier: Apache-2.0
"""Errors as the API's callers see them.

A body is ``{"<name>": {"code": ..., "message": ...}}``. What was not
foreseen is logged with its traceback and answered with a fixed sentence.
"""

import html
import json
import logging
import re
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

#: Where the decoded body of a request is in its environment.
BODY = "masakari.body"

_REQUEST_ID = "openstack.request_id"

#: Set in the environment of a request whose error is answered in our words.
_ANSWERED = "masakari.answered"

#: What stands between tags is no text either, where it only repeats the
#: status.
_MARK_UP = re.compile(r"(?s)<(head|h1|script|style)\b.*?</\1>|<[^>]*>")

#: Where the words of others are not to the point.
_SENTENCES = {413: "The body of the request is too large."}

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
    "Unexpected API Error. The log of the API has the details under the id "
    "of the request.\n%s"
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


class Guard:
    """Whatever fails inside is still answered.

    What is logged before the caller is known is logged under the request's
    id, and not under whom the thread served before.
    """

    def __init__(self, application: wsgi.Application) -> None:
        self.application = application

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        # The log goes by the context that the thread has made last.
        context.RequestContext(
            request_id=environ.get(_REQUEST_ID),
            global_request_id=environ.get("openstack.global_request_id"),
        )
        try:
            return self.answer(environ, start_response)
        except Exception as error:
            answer = response(error, environ)
            return wsgi.respond(answer, environ, start_response)

    def answer(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        """What the application answers."""
        return self.application(environ, start_response)


class FaultWrapper(Guard):
    """The outermost guard of the API, whose errors are all of one form.

    Middleware that others have written refuses requests in words of its
    own, in plain text or in HTML.
    """

    @classmethod
    def factory(
        cls, global_conf: Mapping[str, str], **local_conf: str
    ) -> "type[FaultWrapper]":
        """For PasteDeploy."""
        del global_conf, local_conf
        return cls

    def answer(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        given = webob.Request(environ).get_response(self.application)
        if given.status_code >= 400 and _ANSWERED not in environ:
            given = _reworded(given, environ)
        return wsgi.respond(given, environ, start_response)


def _reworded(given: webob.Response, environ: wsgi.Environ) -> webob.Response:
    """An error that somebody else's code has answered, in our form."""
    headers = {
        name: value
        for name, value in given.headers.items()
        if not name.lower().startswith("content-")
    }
    code = given.status_code
    if code == 503:
        headers.setdefault("Retry-After", str(RETRY_AFTER))
    message = _SENTENCES.get(code) or _text(given) or given.status
    return response(Fault(code, message, headers=headers), environ)


def _text(given: webob.Response) -> str:
    """What an answer says, without its mark-up."""
    text = given.body.decode(errors="replace")
    if given.content_type == "application/json":
        text = _message(text)
    text = html.unescape(_MARK_UP.sub(" ", text))
    return " ".join(text.split()).removeprefix(given.status).strip()


def _message(text: str) -> str:
    """The message in JSON of whatever form."""
    try:
        content = json.loads(text)
    except ValueError:
        return text
    if isinstance(content, dict):
        for one in (content, *content.values()):
            if isinstance(one, dict) and isinstance(one.get("message"), str):
                return str(one["message"])
    return text


def response(error: Exception, environ: wsgi.Environ) -> webob.Response:
    """The answer to a request that ended in ``error``."""
    environ[_ANSWERED] = True
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
    failure later, this line is all that there is of it. Where a whole host
    has failed, nobody will see to its instances, and it is worth a warning.
    """
    method = environ.get("REQUEST_METHOD")
    if method in _READING:
        return
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    reason = fault.message[:_LONGEST]
    host = _failed_host(environ.get(BODY))
    if host is not None and host not in reason:
        reason = f"{reason} (It reports the failure of host {host[:_LONGEST]})"
    LOG.log(
        logging.INFO if host is None else logging.WARNING,
        "The request %s %s is refused (%d): %s",
        method,
        path[:_LONGEST],
        fault.code,
        reason,
    )


def _failed_host(body: object) -> str | None:
    """The host whose failure a request reports, valid or not."""
    match body:
        case {
            "notification": {
                "type": "COMPUTE_HOST",
                "hostname": str(host),
                "payload": {"event": str(event)},
            }
        } if event.upper() == "STOPPED":
            return host
    return None


def not_routed(request: webob.Request) -> webob.Response:
    """The answer where nothing is: plain text, or JSON when asked for."""
    request.environ[_ANSWERED] = True
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
    if isinstance(error, auth_exceptions.ClientException):
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
