# SPDX-License-Identifier: Apache-2.0
"""Asking Nova for the name of a host, and changes of what is in use."""

import pytest

from masakari.api import app
from masakari.db import tables
from masakari.nova import port
from masakari.simulator.port import SimulatedCompute
from tests.functional.api.world import message, send
from tests.functional.db import records

BODY = {"host": {"name": "compute-1", "type": "", "control_attributes": ""}}


@pytest.fixture
def url(world):
    return f"/v1/segments/{world.segment()['uuid']}/hosts"


@pytest.mark.parametrize("code", [400, 401, 403, 409, 429, 500, 503])
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


@pytest.mark.parametrize("code", [401, 403])
def test_that_masakari_may_not_ask_nova_is_not_the_callers_fault(
    world, url, code
):
    host = world.request("POST", url, BODY).json["host"]
    world.cloud.faults.add("compute_service", code, message="You may not.")
    put = "PUT", f"{url}/{host['uuid']}", {"host": {"name": "compute-2"}}
    for request in (("POST", url, BODY), put):
        answer = world.request(*request)
        assert answer.status_int == 503
        assert message(answer) == (
            "The compute service cannot be looked up as Nova refuses "
            f"Masakari's own account ({code})."
        )


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


class TestWorkThatIsLeft:
    """A host, and its segment, while notifications of hosts of it wait."""

    @pytest.fixture
    def segment(self, world):
        return world.segment()

    @pytest.fixture
    def host(self, world, segment):
        return world.host(segment)

    @pytest.fixture
    def other(self, world, segment):
        return world.host(segment, name="compute-2")

    @staticmethod
    def report(world, hostname, status):
        made = world.notify(
            type="VM",
            hostname=hostname,
            payload={
                "event": "LIFECYCLE",
                "instance_uuid": "00000000-0000-4000-8000-000000000001",
                "vir_domain_event": "STOPPED_FAILED",
            },
        )
        uuid = made.json["notification"]["notification_uuid"]
        records.change(
            world.database, tables.Notification, uuid, status=status
        )
        return f"Notification {uuid} (VM) of host {hostname} is {status}."

    @staticmethod
    def changes(segment, host):
        of_segment = f"/v1/segments/{segment['uuid']}"
        of_host = f"{of_segment}/hosts/{host['uuid']}"
        return {
            "host": (
                ("PUT", of_host, {"host": {"reserved": True}}),
                ("DELETE", of_host),
            ),
            "segment": (
                ("PUT", of_segment, {"segment": {"name": "other"}}),
                ("DELETE", of_segment),
            ),
        }

    @pytest.mark.parametrize("what", ["host", "segment"])
    @pytest.mark.parametrize("hostname", ["compute-1", "compute-2"])
    @pytest.mark.parametrize("status", ["new", "running", "error"])
    def test_it_is_named_and_nothing_is_changed(
        self, world, segment, host, other, what, hostname, status
    ):
        work = self.report(world, hostname, status)
        waits = (status, what, hostname) == ("error", "host", "compute-2")
        for change in self.changes(segment, host)[what]:
            answer = world.request(*change)
            if waits:
                assert answer.status_int in (200, 204)
            else:
                assert answer.status_int == 409
                text = message(answer)
                assert text.endswith(f"to process notifications. {work}")
                assert host["uuid"] in text or segment["uuid"] in text

    @pytest.mark.parametrize("status", ["finished", "failed", "ignored"])
    @pytest.mark.parametrize("what", ["host", "segment"])
    def test_not_when_it_is_done(self, world, segment, host, what, status):
        self.report(world, "compute-1", status)
        for change in self.changes(segment, host)[what]:
            assert world.request(*change).status_int in (200, 204)
