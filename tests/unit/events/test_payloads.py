# SPDX-License-Identifier: Apache-2.0
"""What consumers read, word for word."""

import dataclasses
import json

import pytest

from masakari import exception
from masakari.domain import model
from masakari.events import payloads
from tests.unit.events.records import HOST, NOTIFICATION, SEGMENT, VMOVE

SEGMENT_DATA = {
    "id": 1,
    "uuid": "5fd9f925-0379-40db-a7f8-786a0b655b2a",
    "name": "rack-1",
    "service_type": "COMPUTE",
    "description": None,
    "recovery_method": "auto",
    "enabled": True,
}


def test_a_segment():
    assert payloads.segment(SEGMENT) == {
        "masakari_object.name": "SegmentApiPayload",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.1",
        "masakari_object.data": {**SEGMENT_DATA, "fault": None},
    }


def test_a_host_with_its_segment():
    assert payloads.host(HOST) == {
        "masakari_object.name": "HostApiPayload",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.0",
        "masakari_object.data": {
            "id": 3,
            "uuid": "d6a2d900-1977-48fd-aa52-ad7a41fc068b",
            "name": "compute-1",
            "failover_segment": {
                "masakari_object.name": "FailoverSegment",
                "masakari_object.namespace": "masakari",
                "masakari_object.version": "1.1",
                "masakari_object.data": {
                    **SEGMENT_DATA,
                    "created_at": "2026-11-23T12:00:00Z",
                    "updated_at": "2026-11-23T12:30:00Z",
                    "deleted_at": None,
                    "deleted": False,
                },
            },
            "type": "COMPUTE",
            "reserved": False,
            "control_attributes": "SSH",
            "on_maintenance": False,
            "fault": None,
        },
    }


def test_a_notification():
    assert payloads.notification(NOTIFICATION) == {
        "masakari_object.name": "NotificationApiPayload",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.0",
        "masakari_object.data": {
            "id": 7,
            "notification_uuid": "9e66b95d-45da-4695-bfb6-ace68b35d955",
            "generated_time": "2026-11-23T12:40:00Z",
            "source_host_uuid": "d6a2d900-1977-48fd-aa52-ad7a41fc068b",
            "type": "COMPUTE_HOST",
            "payload": {
                "event": "STOPPED",
                "cluster_status": "OFFLINE",
                "host_status": "NORMAL",
            },
            "status": "new",
            "fault": None,
        },
    }


def test_a_move_that_waits_and_one_that_has_ended():
    data = {
        "id": 11,
        "created_at": "2026-11-23T12:00:00Z",
        "updated_at": "2026-11-23T12:30:00Z",
        "uuid": "1a0d6a44-0a7a-4b3b-9a2c-6c4a5c6f2f10",
        "notification_uuid": "9e66b95d-45da-4695-bfb6-ace68b35d955",
        "instance_uuid": "af1e5b1d-7b1e-4c42-8a5f-3d0f6ed5a1c8",
        "instance_name": "vm-1",
        "source_host": "compute-1",
        "dest_host": None,
        "start_time": None,
        "end_time": None,
        "type": "evacuation",
        "status": "pending",
        "message": None,
        "fault": None,
    }
    expected = {
        "masakari_object.name": "VMoveApiPayload",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.0",
        "masakari_object.data": data,
    }
    assert payloads.vmove(VMOVE) == expected
    data |= {
        "dest_host": "compute-2",
        "start_time": "2026-11-23T12:00:00Z",
        "end_time": "2026-11-23T12:30:00Z",
        "status": "succeeded",
    }
    ended = dataclasses.replace(
        VMOVE,
        dest_host="compute-2",
        start_time=VMOVE.created_at,
        end_time=VMOVE.updated_at,
        status=model.VMoveStatus.SUCCEEDED,
    )
    assert payloads.vmove(ended) == expected


def test_a_move_of_an_older_release_may_lack_its_type_and_status():
    old = dataclasses.replace(VMOVE, type=None, status=None)
    data = payloads.vmove(old)["masakari_object.data"]
    assert data["type"] is None
    assert data["status"] is None


@pytest.mark.parametrize(
    "payload",
    [
        payloads.segment(SEGMENT),
        payloads.host(HOST),
        payloads.notification(NOTIFICATION),
    ],
)
def test_what_is_not_created_yet_has_no_ids(payload):
    data = dict(payload["masakari_object.data"])
    del data["id"]
    data.pop("uuid", None)
    data.pop("notification_uuid", None)
    assert payloads.unsaved(payload) == {
        **payload,
        "masakari_object.data": data,
    }


def test_an_error_that_was_raised():
    try:
        raise exception.SegmentExists(name="rack-1")
    except exception.SegmentExists as error:
        raised = error
    whole = payloads.segment(SEGMENT)
    failed = payloads.with_fault(whole, raised)
    fault = failed["masakari_object.data"]["fault"]
    traceback = fault["masakari_object.data"].pop("traceback")
    assert fault == {
        "masakari_object.name": "ExceptionPayload",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.0",
        "masakari_object.data": {
            "module_name": "tests.unit.events.test_payloads",
            "function_name": "test_an_error_that_was_raised",
            "exception": "SegmentExists",
            "exception_message": str(raised),
        },
    }
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert str(raised) in traceback
    assert whole["masakari_object.data"]["fault"] is None


def test_an_error_that_nobody_has_raised():
    assert payloads.reason("VMoveFailed", "No room.") == {
        "masakari_object.name": "ExceptionPayload",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.0",
        "masakari_object.data": {
            "module_name": "unknown",
            "function_name": "unknown",
            "exception": "VMoveFailed",
            "exception_message": "No room.",
            "traceback": "",
        },
    }
    fault = payloads.fault(ValueError("never raised"))["masakari_object.data"]
    assert fault["module_name"] == fault["function_name"] == "unknown"
    assert fault["exception"] == "ValueError"


def test_passwords_stay_here():
    fault = payloads.reason("Error", "password='secret'")
    assert "secret" not in json.dumps(fault)


@pytest.mark.parametrize(
    "payload",
    [
        payloads.segment(SEGMENT),
        payloads.host(HOST),
        payloads.notification(NOTIFICATION),
        payloads.vmove(VMOVE),
    ],
)
def test_what_travels_is_plain_data(payload):
    assert json.loads(json.dumps(payload)) == payload

    def kinds(value):
        if isinstance(value, dict):
            return {kind for item in value.values() for kind in kinds(item)}
        return {type(value)}

    assert kinds(payload) <= {str, int, bool, type(None)}
