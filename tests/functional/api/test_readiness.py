# SPDX-License-Identifier: Apache-2.0
"""Whether the API can answer, apart from whether it lives."""

import socket

import pytest

from masakari.api import app
from masakari.db.session import Database
from masakari.simulator.port import SimulatedCompute
from tests.functional.api.world import World, message, send
from tests.ports import free_port


@pytest.fixture
def broker():
    """The port of one that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound.getsockname()[1]


@pytest.fixture
def build(tmp_path):
    """An API over a broker's port and a database."""
    made = []

    def begin(port, database=None):
        world = World(
            tmp_path,
            DEFAULT__transport_url=f"rabbit://u:p@127.0.0.1:{port}/",
        )
        made.append(world)
        return app.build(
            world.conf,
            database=database or world.database,
            compute=SimulatedCompute(world.cloud),
            engine_client=world.engines,
            events=world.events,
        )

    yield begin
    for world in made:
        world.close()


def test_all_is_there(build, broker):
    answer = send(build(broker), "GET", "/healthcheck/ready")
    assert answer.status_int == 200
    assert answer.content_type == "application/json"
    assert answer.json == {
        "ready": True,
        "checks": {"database": "ok", "broker": "ok"},
    }


def test_without_a_broker_the_api_still_accepts(build):
    answer = send(build(free_port()), "GET", "/healthcheck/ready")
    assert answer.status_int == 200
    assert answer.json == {
        "ready": True,
        "checks": {"database": "ok", "broker": "away"},
    }


def test_without_a_database_it_lives_and_is_not_ready(build, broker, tmp_path):
    away = Database(f"sqlite:///{tmp_path}/later/db")
    api = build(broker, away)
    answer = send(api, "GET", "/healthcheck/ready")
    assert answer.status_int == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json == {
        "ready": False,
        "checks": {"database": "away", "broker": "ok"},
    }
    alive = send(api, "GET", "/healthcheck")
    assert (alive.status_int, alive.text) == (200, "OK")


def test_no_token_is_needed_and_nothing_else_is_there(build, broker):
    api = build(broker)
    head = send(api, "HEAD", "/healthcheck/ready")
    assert (head.status_int, head.body) == (200, b"")
    refused = send(api, "POST", "/healthcheck/ready")
    assert refused.status_int == 405
    assert refused.headers["Allow"] == "GET, HEAD"
    assert message(refused) == "Method not allowed."
    assert send(api, "GET", "/healthcheck/ready/x").status_int == 404
    assert send(api, "GET", "/healthcheck/readily").text == "OK"
