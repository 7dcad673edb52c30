# SPDX-License-Identifier: Apache-2.0
"""The program masakari-api, as a supervisor and clients see it."""

import json
import os
import re
import signal
import socket

import pytest
import requests

from tests.ports import free_port
from tests.programs.program import PATIENCE, children, wait_for

pytestmark = pytest.mark.slow

#: How a line of the log begins.
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \d+ [A-Z]+ [\w.]+ ")


def test_it_serves_logs_and_stops(start):
    program = start()
    program.ready()
    made = requests.post(
        f"http://127.0.0.1:{program.port}/v1/segments",
        json={
            "segment": {
                "name": "s",
                "recovery_method": "auto",
                "service_type": "compute",
            }
        },
        timeout=10,
    )
    assert made.status_code == 201
    assert [s["name"] for s in program.get("/v1/segments").json()["segments"]]
    assert program.terminate() == 0
    log = program.log.read_text()
    assert '"GET /v1/segments HTTP/1.1" status: 200 len: ' in log
    assert "Traceback" not in log


SEGMENT = (
    b'{"segment": {"name": "s", "recovery_method": "auto", '
    b'"service_type": "compute"}}'
)


def post(target, body=SEGMENT, **headers):
    """A request as it is sent."""
    fields = {"Content-Type": "application/json", "Content-Length": len(body)}
    lines = [f"{key}: {value}" for key, value in (fields | headers).items()]
    head = "\r\n".join([f"POST {target} HTTP/1.1", *lines, "", ""])
    return head.encode("latin-1") + body


def test_a_target_may_have_two_slashes_in_front_or_a_host(start):
    program = start()
    program.ready()
    for target in ("//v1/segments", "http://elsewhere:1/v1/segments"):
        body = SEGMENT.replace(b'"s"', f'"{target}"'.encode())
        assert program.say(post(target, body)).startswith(b"HTTP/1.1 201 ")
        assert f'"POST {target} HTTP/1.1" status: 201 ' in (
            program.log.read_text()
        )


def test_without_a_host_links_lead_to_where_the_client_is(start):
    program = start()
    program.ready()
    told = program.say(b"GET / HTTP/1.0\r\n\r\n").decode()
    assert f'"http://127.0.0.1:{program.port}/v1/"' in told


#: What is sent for a line feed, an escape and others of their kind.
HOSTILE = [
    "%0a2026-01-01",
    "%0d",
    "%1b[2K",
    "%c2%9b2K",
    "%e2%80%a8",
    "\x1b[2K",
    "\x9b",
    '" status: 200 len: 0 time: 0.0',
]


def test_no_client_writes_lines_of_the_log(start):
    program = start(debug=True)
    program.ready()
    for text in HOSTILE:
        for target in (f"/v1/segments/{text}", f"/v1/{text}", f"/{text}"):
            program.say(post(target))
            program.say(post(f"{target}?name={text}"))
        program.say(post(f"/v1/segments?name={text}"))
        raw = text.encode("latin-1").decode("unicode_escape")
        for header in ("User-Agent", "X-User-Id", "X-Project-Id", "Host"):
            program.say(post("/v1/segments", b"{}", **{header: raw}))
    for char in "\n\x1b\x85\u2028":
        body = json.dumps({"segment": {f"a{char}b": f"c{char}d"}})
        program.say(post("/v1/segments", body.encode()))
        body = body.encode().replace(b"segment", b"notification")
        program.say(post("/v1/notifications", body))
    assert program.terminate() == 0
    lines = program.lines()
    assert all(line.isprintable() for line in lines)
    assert all(LINE.match(line) for line in lines)
    logged = [
        line.rpartition("] ")[2]
        for line in lines
        if " masakari.api.server " in line
    ]
    assert len(logged) > len(HOSTILE)
    assert all(line.count('"') in (0, 2) for line in logged)


def test_it_warns_of_callers_that_are_not_checked(start):
    program = start()
    program.ready()
    warnings = [line for line in program.lines() if " WARNING " in line]
    told = "whoever reaches the API is an administrator"
    assert sum(told in line for line in warnings) == 1


def test_a_worker_that_dies_is_replaced(start):
    program = start(masakari_api_workers=2)
    program.ready()
    master = program.process.pid
    wait_for(lambda: len(children(master)) == 2)
    victim = children(master)[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(
        lambda: victim not in children(master) and len(children(master)) == 2
    )
    program.ready()
    assert program.terminate() == 0


def test_a_hangup_rereads_what_is_mutable(start):
    program = start()
    program.ready()
    text = program.file.read_text()
    program.file.write_text(text.replace("[DEFAULT]", "[DEFAULT]\ndebug = 1"))
    program.process.send_signal(signal.SIGHUP)
    changed = "Option DEFAULT.debug changed from [None] to [1]"
    # In the worker, and in what forks its successors.
    wait_for(lambda: program.log.read_text().count(changed) == 2)
    program.ready()
    assert program.terminate() == 0


def test_a_hangup_with_a_typing_error_changes_nothing(start):
    program = start()
    program.ready()
    text = program.file.read_text()
    program.file.write_text(
        text.replace("[DEFAULT]", "[DEFAULT]\ndebug = maybe")
    )
    (worker,) = children(program.process.pid)
    program.process.send_signal(signal.SIGHUP)
    stays = "The configuration stays as it was: "
    wait_for(lambda: program.log.read_text().count(stays) == 2)
    program.ready()
    assert children(program.process.pid) == [worker]
    assert program.terminate() == 0


def test_ipv6_and_ipv4_at_once(start):
    program = start(
        masakari_api_listen="::",
        masakari_api_listen_port=free_port(socket.AF_INET6),
    )
    program.ready(host="[::1]")
    assert program.get("/", host="127.0.0.1").status_code == 200
    assert program.terminate() == 0


def test_a_proxy_that_ends_tls(start):
    program = start(wsgi__secure_proxy_ssl_header="HTTP_X_FORWARDED_PROTO")
    program.ready()
    listed = program.get("/", headers={"X-Forwarded-Proto": "https"}).json()
    link = listed["versions"][0]["links"][0]["href"]
    assert link == f"https://127.0.0.1:{program.port}/v1/"
    assert program.terminate() == 0


def test_tls_with_certificates_of_clients(start, certificate):
    cert, key = certificate
    program = start(
        use_ssl=True,
        wsgi__ssl_cert_file=cert,
        wsgi__ssl_key_file=key,
        wsgi__ssl_ca_file=cert,
    )
    program.ready(scheme="https", verify=cert, cert=(cert, key))
    listed = program.get("/", "https", verify=cert, cert=(cert, key)).json()
    link = listed["versions"][0]["links"][0]["href"]
    assert link == f"https://127.0.0.1:{program.port}/v1/"
    with pytest.raises(requests.ConnectionError):
        program.get("/", scheme="https", verify=cert)
    assert program.terminate() == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"masakari_api_workers": 0}, "Value for option masakari_api_workers"),
        (
            {"use_ssl": True},
            "With use_ssl, [wsgi] ssl_cert_file and ssl_key_file have to be "
            "set.",
        ),
        ({"masakari_api_listen": "192.0.2.1"}, "192.0.2.1 port "),
        (
            {"wsgi__api_paste_config": "nowhere.ini"},
            "[wsgi] api_paste_config: there is no file nowhere.ini.",
        ),
        ({"auth_strategy": "foo"}, "Value for option auth_strategy"),
        ({"osapi_max_limit": -1}, "Value for option osapi_max_limit"),
        ({"osapi_max_limit": 0}, "Value for option osapi_max_limit"),
        (
            {"wsgi__wsgi_log_format": "%(client_ip)s %(nothing)s"},
            "Value for option wsgi_log_format",
        ),
        (
            {"taskflow__connection": "mysql://h/m"},
            "[taskflow] connection cannot be used: ",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work_ends_the_program(start, options, told):
    program = start(**options)
    assert program.process.wait(PATIENCE) == 1
    assert f"The API cannot start: {told}" in program.critical()


def test_a_database_that_cannot_be_ends_it_before_it_forks(start):
    program = start(masakari_api_workers=3, database__connection="foo")
    assert program.process.wait(PATIENCE) == 1
    assert "[database] connection cannot be used" in program.critical()
    assert "Forking" not in program.log.read_text()


def test_a_log_that_would_lose_lines_ends_the_program(start):
    program = start(logging_context_format_string="%(nothing)s")
    assert program.process.wait(PATIENCE) == 1
    (line,) = program.process.stderr.read().decode().splitlines()
    assert line.startswith(
        "The API cannot start: The log cannot be written: [DEFAULT] "
        "logging_context_format_string cannot be used: '%(nothing)s': "
    )


def test_workers_that_cannot_start_say_so_once(start):
    program = start(
        masakari_api_workers=4, wsgi__api_paste_config="nowhere.ini"
    )
    assert program.process.wait(PATIENCE) == 1
    (line,) = program.process.stderr.read().decode().splitlines()
    assert line == (
        "The API cannot start: [wsgi] api_paste_config: there is no file "
        "nowhere.ini."
    )
    told = [line for line in program.lines() if " CRITICAL " in line]
    assert len(told) == 1


def test_two_cannot_listen_on_one_port(start):
    first = start()
    first.ready()
    second = start(masakari_api_listen_port=first.port)
    assert second.process.wait(PATIENCE) == 1
    told = second.critical()
    assert f"127.0.0.1 port {first.port} cannot be listened on" in told
    assert "Address already in use" in told
    assert (
        second.process.stderr.read()
        .decode()
        .endswith(told.partition(" [-] ")[2] + "\n")
    )
    first.ready()
    assert first.terminate() == 0
