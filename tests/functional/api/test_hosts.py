# SPDX-License-Identifier: Apache-2.0
"""Asking Nova for the name of a host."""

import pytest

from masakari.api import app
from masakari.nova import port
from masakari.simulator.port import SimulatedCompute
from tests.functional.api.world import message, send

BODY = {"host": {"name": "compute-1", "type": "", "control_attributes": ""}}


@pytest.fixture
def url(world):
    return f"/v1/segments/{world.segment()['uuid']}/hosts"


@pytest.mark.parametrize("code", [400, 401, 409, 429, 500, 503])
def test_nova_cannot_be_asked(world, url, code, caplog):
    world.cloud.faults.add("compute_service", code, message="The reason.")
    answer = world.request("POST", url, BODY)
    assert answer.status_int == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["serviceUnavailable"]["code"] == 503
    assert "The reason." not in message(answer)
    (told,) = [
        record
        for record in caplog.records
        if record.name == "masakari.services.hosts"
    ]
    assert told.levelname == "WARNING"
    assert told.getMessage() == (
        "Nova cannot be asked for the compute service on host compute-1: "
        "The reason."
    )
    assert world.request("GET", url).json == {"hosts": []}


def test_masakari_may_not_ask_nova(world, url):
    world.cloud.faults.add("compute_service", 403, message="You may not.")
    answer = world.request("POST", url, BODY)
    assert answer.status_int == 403
    assert "You may not." in message(answer)


def test_an_update_asks_only_for_a_name(world, url):
    host = world.request("POST", url, BODY).json["host"]
    world.cloud.faults.add("compute_service", 503)
    one = f"{url}/{host['uuid']}"
    assert (
        world.request("PUT", one, {"host": {"reserved": True}}).status_int
        == 200
    )
    named = {"host": {"name": "compute-1"}}
    assert world.request("PUT", one, named).status_int == 503


def test_nova_is_connected_when_it_is_needed(world, url):
    made = []

    def connect():
        made.append(None)
        if len(made) == 1:
            raise port.Unavailable("Keystone is away.")
        return SimulatedCompute(world.cloud)

    application = app.build(
        world.conf,
        database=world.database,
        compute=connect,
        engine_client=world.engines,
    )
    assert send(application, "GET", url).status_int == 200
    assert made == []
    assert send(application, "POST", url, BODY).status_int == 503
    assert send(application, "POST", url, BODY).status_int == 201
    assert send(application, "POST", url, BODY).status_int == 409
    assert len(made) == 2
