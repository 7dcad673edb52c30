# SPDX-License-Identifier: Apache-2.0
"""The program masakari-api, as a supervisor and clients see it."""

import os
import signal
import socket

import pytest
import requests

from tests.functional.program import PATIENCE, children, wait_for
from tests.ports import free_port


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
        (
            {"taskflow__connection": "mysql://h/m"},
            "[taskflow] connection cannot be used: ",
        ),
    ],
    ids=["workers", "tls", "address", "paste", "choice", "database"],
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
