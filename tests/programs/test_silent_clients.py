# SPDX-License-Identifier: Apache-2.0
"""Clients that connect and then say too little keep nobody waiting."""

import signal
import time

import pytest
import requests

from masakari import httpd
from masakari.engine.health import HealthServer
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from tests.ports import free_port
from tests.programs import test_allinone
from tests.programs.program import PATIENCE
from tests.silent import BEGUN, Silence

pytestmark = pytest.mark.slow

#: Seconds that others may be kept waiting.
A_FEW = 5

#: Seconds that a program may take to end.
SOON = 15


def hello(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"OK"]


def crowd(port):
    """300 that are silent from the start, or in the midst of a request."""
    silence = Silence(port)
    silence.connect(200)
    for said in BEGUN.values():
        silence.connect(25, said)
    return silence


def crowd_with_tls(port):
    silence = Silence(port)
    silence.connect(100)
    silence.begin_handshakes(20)
    silence.connect_with_tls(20)
    for said in BEGUN.values():
        silence.connect_with_tls(25, said)
    return silence


def answers(url, **kwargs):
    return requests.get(url, timeout=A_FEW, **kwargs).status_code


def test_they_keep_no_client_of_the_api_waiting(start):
    program = start()
    program.ready()
    url = f"http://127.0.0.1:{program.port}/v1/segments"
    with crowd(program.port):
        assert [answers(url) for _ in range(5)] == [200] * 5
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(SOON) == 0


def test_nor_one_that_speaks_tls(start, certificate):
    cert, key = certificate
    program = start(
        use_ssl=True, wsgi__ssl_cert_file=cert, wsgi__ssl_key_file=key
    )
    program.ready(scheme="https", verify=cert)
    url = f"https://127.0.0.1:{program.port}/v1/segments"
    with crowd_with_tls(program.port):
        assert [answers(url, verify=cert) for _ in range(5)] == [200] * 5
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(SOON) == 0


def test_a_neighbour_that_says_nothing_keeps_no_program_from_ending(start):
    with httpd.listen("127.0.0.1", 0) as keystone:
        host, port = keystone.getsockname()
        program = start(
            auth_strategy="keystone",
            keystone_authtoken__auth_type="password",
            keystone_authtoken__auth_url=f"http://{host}:{port}/v3",
            keystone_authtoken__username="masakari",
            keystone_authtoken__password="secret",
        )
        program.ready()
        with Silence(program.port) as silence:
            silence.connect(
                3,
                b"GET /v1/segments HTTP/1.1\r\nHost: x\r\n"
                b"X-Auth-Token: t\r\n\r\n",
            )
            keystone.settimeout(PATIENCE)
            with keystone.accept()[0]:
                program.process.send_signal(signal.SIGTERM)
                assert program.process.wait(SOON) == 0
    assert "3 requests have not been answered within 10 seconds" in (
        program.log.read_text()
    )


def test_nor_one_of_a_masakari_in_one_process(tmp_path):
    program = test_allinone.Program(
        tmp_path,
        "--auth=noauth2",
        env=test_allinone.environment() | test_allinone.NOWHERE,
    )
    try:
        url = program.url()
        with crowd(int(url.rpartition(":")[2])):
            segments = f"{url}/v1/segments"
            assert [answers(segments) for _ in range(5)] == [200] * 5
            program.process.send_signal(signal.SIGTERM)
            assert program.process.wait(SOON) == 0
    finally:
        program.process.kill()
        program.process.communicate()


def test_nor_who_asks_for_the_health_of_an_engine():
    port = free_port()
    health = HealthServer("127.0.0.1", port, hello)
    health.start()
    try:
        with crowd(port):
            url = f"http://127.0.0.1:{port}/healthcheck"
            assert [answers(url) for _ in range(5)] == [200] * 5
    finally:
        health.stop()


def test_nor_who_uses_the_simulated_cloud():
    with SimulatorServer(Cloud(time.time)) as simulator:
        port = int(simulator.url.rpartition(":")[2])
        with crowd(port):
            url = simulator.auth_url
            assert [answers(url) for _ in range(5)] == [200] * 5
