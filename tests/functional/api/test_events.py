# SPDX-License-Identifier: Apache-2.0
"""What the API tells the message bus, and what it does not."""

import pytest

from tests.functional.api.world import ADMIN

UNKNOWN = "00000000-0000-4000-8000-000000000001"

BODY = {
    "segment": {
        "name": "segment",
        "recovery_method": "auto",
        "service_type": "compute",
    }
}


@pytest.fixture
def segment(world):
    """One that exists; what was told of it is forgotten."""
    made = world.segment()
    world.events.events.clear()
    return made


@pytest.fixture
def host(world, segment):
    made = world.host(segment)
    world.events.events.clear()
    return made


def url(segment, host=None):
    path = f"/v1/segments/{segment['uuid']}"
    return f"{path}/hosts/{host['uuid']}" if host else path


def under_recovery(world):
    """An engine has something to do for the segment."""
    assert world.notify().status_int == 202
    world.events.events.clear()


SEGMENT = {
    "name": "segment",
    "service_type": "compute",
    "description": None,
    "recovery_method": "auto",
    "enabled": True,
    "fault": None,
}


class TestSegments:
    def test_one_is_created(self, world):
        made = world.segment()
        assert world.events.types == [
            "segment.create.start",
            "segment.create.end",
        ]
        start, end = world.events.events
        assert start.data == SEGMENT
        assert end.data == {
            "id": made["id"],
            "uuid": made["uuid"],
            **SEGMENT,
        }
        assert start.binary is end.binary is None
        assert start.context.project_id == end.context.project_id

    def test_one_is_changed(self, world, segment):
        body = {"segment": {"recovery_method": "rh_priority"}}
        assert world.request("PUT", url(segment), body).status_int == 200
        assert world.events.types == [
            "segment.update.start",
            "segment.update.end",
        ]
        for event in world.events.events:
            assert event.data == {
                "id": segment["id"],
                "uuid": segment["uuid"],
                **SEGMENT,
                "recovery_method": "rh_priority",
            }

    def test_one_is_deleted_and_its_hosts_are_not_mentioned(
        self, world, segment, host
    ):
        assert world.request("DELETE", url(segment)).status_int == 204
        assert world.events.types == [
            "segment.delete.start",
            "segment.delete.end",
        ]
        for event in world.events.events:
            assert event.data["uuid"] == segment["uuid"]

    def test_a_name_that_is_taken(self, world, segment):
        assert world.request("POST", "/v1/segments", BODY).status_int == 409
        assert world.events.types == [
            "segment.create.start",
            "segment.create.error",
        ]
        start, error = world.events.events
        assert start.fault is None
        assert error.data | {"fault": None} == start.data
        assert error.fault["exception"] == "SegmentExists"
        assert "segment" in error.fault["exception_message"]
        assert all(type(value) is str for value in error.fault.values())

    def test_a_new_name_that_is_taken(self, world, segment):
        world.segment(name="other")
        world.events.events.clear()
        body = {"segment": {"name": "other"}}
        assert world.request("PUT", url(segment), body).status_int == 409
        assert world.events.types == [
            "segment.update.start",
            "segment.update.error",
        ]
        assert world.events["segment.update.error"].data["name"] == "other"


class TestHosts:
    def test_one_is_created(self, world, segment):
        made = world.host(segment)
        assert world.events.types == ["host.create.start", "host.create.end"]
        start, end = world.events.events
        nested = start.data.pop("failover_segment")
        assert nested["masakari_object.name"] == "FailoverSegment"
        assert nested["masakari_object.data"]["uuid"] == segment["uuid"]
        assert start.data == {
            "name": "compute-1",
            "type": "COMPUTE",
            "control_attributes": "SSH",
            "reserved": False,
            "on_maintenance": False,
            "fault": None,
        }
        assert end.data.pop("failover_segment") == nested
        assert end.data == {
            "id": made["id"],
            "uuid": made["uuid"],
            **start.data,
        }

    def test_one_is_changed(self, world, segment, host):
        body = {"host": {"on_maintenance": True}}
        assert world.request("PUT", url(segment, host), body).status_int == 200
        assert world.events.types == ["host.update.start", "host.update.end"]
        for event in world.events.events:
            assert event.data["uuid"] == host["uuid"]
            assert event.data["on_maintenance"] is True
            assert event.binary is None

    def test_one_is_deleted(self, world, segment, host):
        assert world.request("DELETE", url(segment, host)).status_int == 204
        assert world.events.types == ["host.delete.start", "host.delete.end"]
        for event in world.events.events:
            assert event.data["uuid"] == host["uuid"]

    def test_a_name_that_is_taken(self, world, segment, host):
        body = {
            "host": {
                "name": host["name"],
                "type": "COMPUTE",
                "control_attributes": "SSH",
            }
        }
        path = f"{url(segment)}/hosts"
        assert world.request("POST", path, body).status_int == 409
        assert world.events.types == [
            "host.create.start",
            "host.create.error",
        ]
        error = world.events["host.create.error"]
        assert error.fault["exception"] == "HostExists"
        assert "uuid" not in error.data

    def test_a_new_name_that_is_taken(self, world, segment, host):
        world.host(segment, name="compute-2")
        world.events.events.clear()
        body = {"host": {"name": "compute-2"}}
        assert world.request("PUT", url(segment, host), body).status_int == 409
        assert world.events.types == [
            "host.update.start",
            "host.update.error",
        ]
        assert world.events["host.update.error"].data["uuid"] == host["uuid"]


class TestNotifications:
    def test_one_is_accepted(self, world, host):
        answer = world.notify()
        made = answer.json["notification"]
        assert world.events.types == [
            "notification.create.start",
            "notification.create.end",
        ]
        start, end = world.events.events
        assert start.data == {
            "generated_time": "2026-11-23T12:00:00Z",
            "source_host_uuid": host["uuid"],
            "type": "COMPUTE_HOST",
            "payload": {"event": "STOPPED", "host_status": "NORMAL"},
            "status": "new",
            "fault": None,
        }
        assert end.data == {
            "id": made["id"],
            "notification_uuid": made["notification_uuid"],
            **start.data,
        }
        assert (
            end.context.request_id == answer.headers["x-openstack-request-id"]
        )

    def test_a_duplicate_is_not_mentioned(self, world, host):
        under_recovery(world)
        assert world.notify().status_int == 409
        assert world.events.types == []

    def test_nor_one_of_a_host_on_maintenance(self, world, segment):
        world.host(segment, on_maintenance=True)
        world.events.events.clear()
        assert world.notify().status_int == 409
        assert world.events.types == []

    @pytest.mark.parametrize(
        "wrong",
        [{"hostname": "nobody"}, {"type": "OTHER"}, {"payload": {}}],
    )
    def test_nor_one_that_is_wrong(self, world, host, wrong):
        assert world.notify(**wrong).status_int == 400
        assert world.events.types == []


@pytest.mark.parametrize(
    ("method", "body"),
    [("PUT", {"segment": {"description": "x"}}), ("DELETE", None)],
)
def test_a_segment_in_use_stays_as_it_is(world, segment, host, method, body):
    under_recovery(world)
    assert world.request(method, url(segment), body).status_int == 409
    assert world.events.types == []


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PUT", {"host": {"reserved": True}}),
        ("PUT", {"host": {"name": "compute-2"}}),
        ("DELETE", None),
    ],
)
def test_a_host_in_use_stays_as_it_is(world, segment, host, method, body):
    under_recovery(world)
    answer = world.request(method, url(segment, host), body)
    assert answer.status_int == 409
    assert world.events.types == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"segment": {"name": "x"}}),
        ("DELETE", "", None),
        ("PUT", f"/hosts/{UNKNOWN}", {"host": {"reserved": True}}),
        ("DELETE", f"/hosts/{UNKNOWN}", None),
        (
            "POST",
            "/hosts",
            {
                "host": {
                    "name": "compute-1",
                    "type": "COMPUTE",
                    "control_attributes": "SSH",
                }
            },
        ),
    ],
)
def test_what_is_not_there(world, segment, method, path, body):
    answer = world.request(method, f"/v1/segments/{UNKNOWN}{path}", body)
    assert answer.status_int == 404
    assert world.events.types == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/segments", {"segment": {"name": "x"}}),
        ("PUT", "{segment}", {"segment": {"enabled": "perhaps"}}),
        (
            "POST",
            "{segment}/hosts",
            {
                "host": {
                    "name": "unknown-to-nova",
                    "type": "COMPUTE",
                    "control_attributes": "SSH",
                }
            },
        ),
        ("PUT", "{segment}/hosts/{host}", {"host": {"name": "not-in-nova"}}),
        ("PUT", "{segment}/hosts/{host}", {"host": {"reserved": 7}}),
    ],
)
def test_what_is_wrong(world, segment, host, method, path, body):
    path = path.format(segment=url(segment), host=host["uuid"])
    assert world.request(method, path, body, version="1.3").status_int == 400
    assert world.events.types == []


def test_to_look_is_nothing_to_tell(world, segment, host):
    for path in (
        "/v1/segments",
        url(segment),
        f"{url(segment)}/hosts",
        url(segment, host),
        "/v1/notifications",
    ):
        assert world.request("GET", path).status_int == 200
    assert world.events.types == []


def test_who_asked_is_told(strict_world):
    answer = strict_world.request(
        "POST",
        "/v1/segments",
        BODY,
        headers=ADMIN,
    )
    assert answer.status_int == 201
    for event in strict_world.events.events:
        assert event.context.user_id == "u"
        assert event.context.project_id == "abc"
        assert (
            event.context.request_id
            == answer.headers["x-openstack-request-id"]
        )


def test_who_may_not_is_not_mentioned(strict_world):
    answer = strict_world.request(
        "POST",
        "/v1/segments",
        BODY,
        headers={"X-User-Id": "u", "X-Project-Id": "p", "X-Roles": "member"},
    )
    assert answer.status_int == 403
    assert strict_world.events.types == []
