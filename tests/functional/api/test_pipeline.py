# SPDX-License-Identifier: Apache-2.0
"""What surrounds the resources: proxies, CORS, limits, failures."""

import logging

import pytest

from masakari.api import app
from masakari.db import segments, tables
from masakari.db.session import Database
from masakari.simulator.port import SimulatedCompute
from tests.functional.api.world import ADMIN, World, message, send

ORIGIN = "https://dashboard.example.com"


def build(tmp_path, **options):
    return World(tmp_path, **options)


PROXIED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "cloud.example.com",
    "X-Forwarded-Prefix": "/instance-ha",
}


class TestLinks:
    @staticmethod
    def links(world, **how):
        listed = world.request("GET", "/", **how).json["versions"][0]
        one = world.request("GET", "/v1", **how).json["version"]
        choice = world.request("GET", "/x/%C3%A9", **how).json["choices"][0]
        return [v["links"][0]["href"] for v in (listed, one, choice)]

    def test_a_proxy_is_believed_when_told_so(self, tmp_path):
        world = build(
            tmp_path, oslo_middleware__enable_proxy_headers_parsing=True
        )
        root = "https://cloud.example.com/instance-ha/v1/"
        assert self.links(world, headers=PROXIED) == [
            root,
            root,
            f"{root}x/%C3%A9",
        ]
        world.close()

    def test_and_not_otherwise(self, world):
        root = "http://localhost/v1/"
        assert self.links(world, headers=PROXIED)[:2] == [root, root]

    def test_a_mount_point_is_in_them(self, world):
        root = "http://localhost/instance-ha/v1/"
        mounted = {"SCRIPT_NAME": "/instance-ha"}
        assert self.links(world, environ=mounted)[:2] == [root, root]

    @pytest.mark.parametrize("end", ["", "/"])
    def test_a_prefix_takes_the_place_of_the_host(self, tmp_path, end):
        prefix = f"https://a.example.com/ha{end}"
        world = build(tmp_path, osapi_masakari_link_prefix=prefix)
        root = "https://a.example.com/ha/v1/"
        assert self.links(world)[:2] == [root, root]
        world.close()


class TestBrowsers:
    def test_a_known_origin(self, tmp_path):
        world = build(tmp_path, cors__allowed_origin=ORIGIN)
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "X-Auth-Token",
        }
        preflight = world.request("OPTIONS", "/v1/segments", headers=asked)
        assert preflight.status_int == 200
        allowed = preflight.headers
        assert allowed["Access-Control-Allow-Origin"] == ORIGIN
        assert allowed["Access-Control-Allow-Methods"] == "DELETE"
        assert allowed["Access-Control-Allow-Headers"] == "X-Auth-Token"
        failed = world.request(
            "GET", "/v1/segments/x", headers={"Origin": ORIGIN}
        )
        assert failed.status_int == 404
        assert failed.headers["Access-Control-Allow-Origin"] == ORIGIN
        world.close()

    def test_an_unknown_origin(self, world):
        answer = world.request(
            "GET", "/v1/segments", headers={"Origin": ORIGIN}
        )
        assert answer.status_int == 200
        assert "Access-Control-Allow-Origin" not in answer.headers


class TestBodies:
    def test_too_large(self, tmp_path):
        world = build(tmp_path, oslo_middleware__max_request_body_size=100)
        answer = world.request("POST", "/v1/segments", {"segment": "x" * 100})
        assert answer.status_int == 413
        assert message(answer) == "The body of the request is too large."
        chunked = world.request(
            "POST",
            "/v1/segments",
            {"segment": "x" * 100},
            environ={"wsgi.input_terminated": True},
            headers={"Content-Length": ""},
        )
        assert chunked.status_int == 413
        assert chunked.json["overLimit"]["code"] == 413
        world.close()

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"\xff",
            b'{"segment": NaN}',
            b'{"segment": Infinity}',
            b"[" * 50000,
            b"\xef\xbb\xbf{}",
            b'"\xed\xa0\x80"',
        ],
        ids=lambda body: str(body[:20]),
    )
    def test_no_json(self, world, body):
        answer = world.request("POST", "/v1/segments", body)
        assert answer.status_int == 400
        assert message(answer) == "Malformed request body"

    @pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"{}"])
    def test_not_an_object_with_the_key(self, world, body):
        answer = world.request("POST", "/v1/segments", body)
        assert answer.status_int == 400

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": "\ud800"},
            {"name": "a\x00b"},
            {"name": "\U0001f600"},
            {"name": "x" * 256},
            {"name": ""},
            {"name": "\u00a0x"},
            {"name": "a\u2028b"},
            {"description": "a\rb"},
            {"description": "a\x1bb"},
            {"description": 1},
            {"recovery_method": "AUTO"},
            {"service_type": None},
            {"id": 1},
        ],
        ids=ascii,
    )
    def test_wrong_fields(self, world, wrong):
        given = {
            "name": "s",
            "recovery_method": "auto",
            "service_type": "compute",
        } | wrong
        answer = world.request("POST", "/v1/segments", {"segment": given})
        assert answer.status_int == 400


class TestTextsOfSeveralLines:
    """As a browser sends them, and as they are shown again."""

    SENT, SHOWN = "a\r\n\tb\r\n", "a\n\tb\n"

    def test_of_a_segment(self, world):
        made = world.segment(description=self.SENT)
        assert made["description"] == self.SHOWN
        for sent, shown in (("x", "x"), (self.SENT, self.SHOWN), (None, None)):
            url = f"/v1/segments/{made['uuid']}"
            world.request("PUT", url, {"segment": {"description": sent}})
            listed = world.request("GET", "/v1/segments").json["segments"]
            assert [one["description"] for one in listed] == [shown]

    def test_of_a_host(self, world):
        segment = world.segment()
        made = world.host(segment, control_attributes=self.SENT)
        assert made["control_attributes"] == self.SHOWN
        for sent, shown in (("x", "x"), (self.SENT, self.SHOWN)):
            url = f"/v1/segments/{segment['uuid']}/hosts/{made['uuid']}"
            body = {"host": {"control_attributes": sent}}
            changed = world.request("PUT", url, body).json["host"]
            assert changed["control_attributes"] == shown

    def test_not_where_there_is_one_line(self, world):
        segment = {
            "name": "a\tb",
            "recovery_method": "auto",
            "service_type": "compute",
        }
        answer = world.request("POST", "/v1/segments", {"segment": segment})
        assert answer.status_int == 400


class TestUrls:
    def test_a_path_that_is_not_utf8(self, world):
        assert world.request("GET", "/v1/%ff").status_int == 400

    def test_a_query_that_is_not_utf8(self, world):
        answer = world.request("GET", "/v1/segments?name=%ff")
        assert answer.status_int == 400

    def test_parameters_are_no_arguments(self, world):
        query = "request=1&response=2&self=3&call=4&_method=delete"
        answer = world.request("GET", f"/v1/segments?{query}")
        assert answer.json == {"segments": []}

    @pytest.mark.parametrize("name", ["%00", "..", "%2e%2e", "a%0d%0ab"])
    def test_strange_names(self, world, name):
        for path in (f"/v1/{name}", f"/v1/segments/{name}/hosts"):
            assert world.request("GET", path).status_int == 404

    @pytest.mark.parametrize(
        ("target", "code"),
        [
            ("", 200),
            ("*", 300),
            ("http://elsewhere:80", 200),
            ("http://elsewhere/v1/segments", 200),
            ("//v1/segments", 200),
        ],
    )
    def test_targets_that_begin_with_no_slash_or_two(
        self, world, target, code
    ):
        answer = world.request("GET", "/", environ={"PATH_INFO": target})
        assert answer.status_int == code

    def test_a_pattern_for_projects(self, tmp_path):
        world = build(tmp_path, osapi_v1__project_id_regex="p-[0-9]+")
        headers = {"X-Project-Id": "p-1"}
        for path, code in (
            ("/v1/p-1/segments", 200),
            ("/v1/p-1/extensions/vmoves.json", 200),
            ("/v1/p-1/versions/v1.0", 200),
            ("/v1/p-2/segments", 400),
            ("/v1/abc/segments", 404),
            ("/v1/p-1", 404),
            ("/v1/p-1/", 404),
        ):
            answer = world.request("GET", path, headers=headers)
            assert answer.status_int == code, path
        world.close()


def test_who_lacks_the_right_does_not_learn_what_is_valid(strict_world):
    answer = strict_world.request(
        "POST", "/v1/segments", {}, headers={"X-User-Id": "u"}
    )
    assert answer.status_int == 403


@pytest.mark.parametrize("path", ["/v1/segments", "/v1/notifications"])
def test_the_database_is_away(world, path):
    application = app.build(
        world.conf,
        database=Database("mysql+pymysql://u:p@127.0.0.1:9/none"),
        compute=SimulatedCompute(world.cloud),
        engine_client=world.engines,
    )
    answer = send(application, "GET", path)
    assert answer.status_int == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["serviceUnavailable"]["code"] == 503


def test_a_fault_of_ours_is_told_to_the_log_only(world, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("the secret")

    monkeypatch.setattr(segments, "select", fail)
    with caplog.at_level(logging.ERROR):
        answer = world.request("GET", "/v1/segments")
    assert answer.status_int == 500
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    request_id = answer.headers["x-openstack-request-id"]
    assert answer.json["masakariFault"] == {
        "code": 500,
        "message": "Unexpected API Error. The log of the API has the "
        f"details under the id of the request.\n{request_id}",
    }
    assert "RuntimeError: the secret" in caplog.text


def refusals(caplog, level="INFO"):
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "masakari.api.faults" and record.levelname == level
    ]


def test_the_log_says_why_a_report_was_refused(world, caplog):
    process = {"event": "STOPPED", "process_name": "libvirtd"}
    with caplog.at_level(logging.INFO):
        answer = world.notify(type="PROCESS", payload=process)
        assert answer.status_int == 400
        payload = {"event": "STARTED", "odd": "x" * 9000}
        assert world.notify(payload=payload).status_int == 400
        assert world.request("GET", "/v1/hosts/x").status_int == 404
    unknown, invalid = refusals(caplog)
    assert unknown == (
        "The request POST /v1/notifications is refused (400): Host with name "
        "compute-1 could not be found."
    )
    assert "(400): Invalid input" in invalid
    assert len(invalid) < 700


def test_the_log_warns_of_a_failed_host_that_nobody_will_see_to(world, caplog):
    segment = world.segment()
    host = world.host(segment)
    url = f"/v1/segments/{segment['uuid']}/hosts/{host['uuid']}"
    refused = [
        ({"hostname": "compute-9"}, "name compute-9 could not be found."),
        ({"hostname": "compute 9"}, "Value: compute 9."),
        ({"payload": {"event": "stopped"}}, "failure of host compute-1)"),
        ({"generated_time": "2026-11-23T23:59:00"}, "zone. "),
        ({}, "is duplicate."),
    ]
    assert world.notify().status_int == 202
    with caplog.at_level(logging.INFO):
        for given, _ in refused:
            assert world.notify(**given).status_int in (400, 409)
        world.database.write(
            lambda session: session.query(tables.Notification).update(
                {"status": "finished"}
            )
        )
        world.request("PUT", url, {"host": {"on_maintenance": True}})
        assert world.notify().status_int == 409
    told = refusals(caplog, "WARNING")
    reasons = [reason for _, reason in refused] + ["under maintenance."]
    assert len(told) == len(reasons)
    for line, reason in zip(told, reasons, strict=True):
        assert line.startswith("The request POST /v1/notifications is refused")
        assert "compute" in line
        assert reason in line
    assert refusals(caplog) == []


def test_a_failed_host_is_no_business_of_everybody(strict_world, caplog):
    with caplog.at_level(logging.INFO):
        answer = strict_world.request(
            "POST",
            "/v1/notifications",
            {
                "notification": {
                    "type": "COMPUTE_HOST",
                    "hostname": "compute-1",
                    "generated_time": "2026-11-23T12:00:00",
                    "payload": {"event": "STOPPED"},
                }
            },
            headers={**ADMIN, "X-Roles": "member"},
        )
    assert answer.status_int == 403
    (line,) = refusals(caplog, "WARNING")
    assert line.endswith("(It reports the failure of host compute-1)")


def test_the_log_names_what_was_accepted(world, caplog):
    world.host(world.segment())
    with caplog.at_level(logging.INFO):
        made = world.notify().json["notification"]
    told = [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "masakari.services.notifications"
    ]
    assert told == [
        (
            "INFO",
            f"Accepted notification {made['notification_uuid']} of the type "
            "COMPUTE_HOST from host compute-1",
        )
    ]


def test_health_can_be_withdrawn(tmp_path):
    file = tmp_path / "disabled"
    world = build(tmp_path, healthcheck__disable_by_file_path=str(file))
    assert world.request("GET", "/healthcheck").status_int == 200
    file.touch()
    assert world.request("GET", "/healthcheck").status_int == 503
    world.close()


def test_the_address_of_the_client(tmp_path):
    world = build(tmp_path, use_forwarded_for=True)
    world.host(world.segment())
    world.notify()
    world.request(
        "POST",
        "/v1/notifications",
        {
            "notification": {
                "type": "PROCESS",
                "hostname": "compute-1",
                "generated_time": "2026-11-23",
                "payload": {"event": "STOPPED", "process_name": "libvirtd"},
            }
        },
        headers={"X-Forwarded-For": "192.0.2.1"},
    )
    addresses = [context.remote_address for context, _ in world.engines.told]
    assert addresses == [None, "192.0.2.1"]
    world.close()
