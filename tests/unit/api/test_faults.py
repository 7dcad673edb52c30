# SPDX-License-Identifier: Apache-2.0

import logging

import pytest
import webob.exc

from masakari import exception
from masakari.api import faults
from masakari.nova import port

EVERY = [
    (faults.Fault(415, "no"), 415, "badMediaType"),
    (faults.Fault(405, "no"), 405, "badMethod"),
    (faults.Fault(501, "no"), 501, "notImplemented"),
    (faults.Fault(406, "no"), 406, "masakariFault"),
    (webob.exc.HTTPUnauthorized(), 401, "unauthorized"),
    (webob.exc.HTTPRequestEntityTooLarge(), 413, "overLimit"),
    (exception.InvalidInput(reason="x"), 400, "badRequest"),
    (exception.MarkerNotFound(marker="x"), 400, "badRequest"),
    (exception.Forbidden(action="x"), 403, "forbidden"),
    (exception.HostNotFound(uuid="x"), 404, "itemNotFound"),
    (exception.HostExists(name="x"), 409, "conflictingRequest"),
    (exception.DuplicateNotification("x"), 409, "conflictingRequest"),
    (exception.ServiceUnavailable(), 503, "serviceUnavailable"),
    (port.Unavailable("away"), 503, "serviceUnavailable"),
]


@pytest.mark.parametrize(
    ("error", "code", "name"),
    EVERY,
    ids=[f"{type(error).__name__}-{code}" for error, code, _ in EVERY],
)
def test_every_error_has_its_answer(error, code, name):
    answer = faults.response(error, {})
    assert answer.status_int == code
    assert list(answer.json) == [name]
    assert answer.json[name]["code"] == code
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert ("Retry-After" in answer.headers) == (code == 503)


def test_too_much_tells_when_to_come_again():
    fault = faults.Fault(429, "no", headers={"Retry-After": "7"})
    answer = faults.response(fault, {})
    assert answer.json["overLimit"]["retryAfter"] == "7"
    assert answer.headers["Retry-After"] == "7"


def test_a_lone_surrogate_can_be_told():
    answer = faults.response(faults.Fault(400, "a\ud800"), {})
    assert answer.json["badRequest"]["message"] == "a\ud800"


def test_what_is_told_of_a_refusal_is_short(caplog):
    environ = {"REQUEST_METHOD": "POST", "SCRIPT_NAME": "/v1"}
    environ["PATH_INFO"] = "/notifications"
    with caplog.at_level(logging.INFO):
        faults.response(faults.Fault(409, "a b" * 999), environ)
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert record.getMessage().startswith(
        "The request POST /v1/notifications is refused (409): a ba"
    )
    assert len(record.getMessage()) < 1000


def test_whatever_fails_below_is_answered(caplog):
    def application(environ, start_response):
        raise KeyError("the secret")

    environ = webob.Request.blank("/v1/x").environ
    environ["openstack.request_id"] = "req-1"
    request = webob.Request(environ)
    with caplog.at_level(logging.ERROR):
        answer = request.get_response(faults.FaultWrapper(application))
    assert answer.status_int == 500
    assert answer.json["masakariFault"]["message"].endswith("\nreq-1")
    assert "the secret" not in answer.text
    assert "KeyError: 'the secret'" in caplog.text


FOREIGN = [
    (webob.exc.HTTPServiceUnavailable("Keystone is away."), "is away."),
    (webob.exc.HTTPForbidden("a & b"), "a & b"),
    (webob.exc.HTTPTooManyRequests(), "too many"),
    (webob.Response(status=429, json_body={"error": {"message": "m"}}), "m"),
    (webob.Response(status=400, json_body={"message": "a<br />b"}), "a b"),
    (webob.Response(status=400, json_body=["m"]), '["m"]'),
    (
        webob.Response(status=400, body=b"{", content_type="application/json"),
        "{",
    ),
    (webob.Response(status=502, body=b""), "502 Bad Gateway"),
    (webob.Response(status=500, body=b"\xff"), "\ufffd"),
]


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
@pytest.mark.parametrize(
    ("given", "text"), FOREIGN, ids=[text for _, text in FOREIGN]
)
def test_what_others_refuse_is_told_in_our_form(given, text, accept):
    request = webob.Request.blank("/v1/x", accept=accept)
    answer = request.get_response(faults.FaultWrapper(given))
    ((_, content),) = answer.json.items()
    assert content["code"] == answer.status_int == given.status_int
    assert text in content["message"]
    assert "br />" not in content["message"]


def test_what_is_no_error_is_left_as_it_is():
    given = webob.Response("<b>", status=300, content_type="text/html")
    answer = webob.Request.blank("/").get_response(faults.FaultWrapper(given))
    assert (answer.status_int, answer.text) == (300, "<b>")


def test_what_is_told_of_health_is_left_as_it_is():
    given = webob.Response("DISABLED", status=503, content_type="text/plain")
    answer = webob.Request.blank("/").get_response(faults.Guard(given))
    assert (answer.status_int, answer.text) == (503, "DISABLED")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain"),
        ("*/*", "text/plain"),
        ("text/html", "text/plain"),
        ("application/json", "application/json"),
        ("application/json, text/plain;q=0.5", "application/json"),
    ],
)
def test_where_nothing_is(accept, kind):
    request = webob.Request.blank("/x")
    if accept is not None:
        request.accept = accept
    assert faults.not_routed(request).content_type == kind
