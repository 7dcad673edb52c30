# SPDX-License-Identifier: Apache-2.0
"""The samples of events in ``doc/notification_samples``.

They are what the API and the engine tell of one story, with ids and times
that are always the same. With ``MASAKARI_WRITE_SAMPLES`` in the environment
they are written anew.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import socket
from pathlib import Path
from unittest import mock

import pytest
from oslo_db import exception as db_exception
from oslo_messaging.notify import _impl_test
from sqlalchemy import orm

from masakari import context
from masakari.db import notifications, session, tables
from masakari.domain import verdict
from masakari.domain.model import VMoveStatus
from masakari.engine.announcements import Announcements
from masakari.events.publisher import Binary, Notifier, Phase
from tests.functional.api.world import World
from tests.functional.db import records
from tests.functional.db.records import EPOCH
from tests.unit.events.recorder import Recorder
from tests.unit.events.records import VMOVE

DIRECTORY = Path(__file__).parents[2] / "doc" / "notification_samples"

SEGMENT_UUID = "5fd9f925-0379-40db-a7f8-786a0b655b2a"
HOST_UUID = "d6a2d900-1977-48fd-aa52-ad7a41fc068b"
NOTIFICATION_UUID = "9e66b95d-45da-4695-bfb6-ace68b35d955"

API = [
    f"{change}.{phase}"
    for change in (
        "segment.create",
        "segment.update",
        "segment.delete",
        "host.create",
        "host.update",
        "host.delete",
        "notification.create",
    )
    for phase in Phase
]
ENGINE = [
    "notification.process.start",
    "notification.process.end",
    "notification.process.error",
    "notification.update.end",
    "notification.update.error",
    "vmove.create.end",
    "vmove.update.end",
    "vmove.update.error",
]


@contextlib.contextmanager
def no_database():
    """The connection breaks whenever something is to be committed."""
    broken = db_exception.DBConnectionError("Lost connection to server")
    with (
        mock.patch.object(session, "_RETRIES", 0),
        mock.patch.object(orm.Session, "commit", side_effect=broken),
    ):
        yield


def send(world, method, path, status, body=None):
    answer = world.request(method, path, body)
    assert answer.status_int == status, answer.text


def play_requests(world):
    """Each kind of request succeeds and fails; returns the notification."""
    rack = {"recovery_method": "auto", "service_type": "COMPUTE"}
    segment = world.segment(name="rack-1", **rack)
    world.clock.advance(minutes=5)
    host = world.host(segment, reserved=True)
    world.segment(name="rack-2", **rack)
    world.host(segment, name="compute-2")
    here = f"/v1/segments/{segment['uuid']}"
    there = f"{here}/hosts/{host['uuid']}"
    computer = {"type": "COMPUTE", "control_attributes": "SSH"}
    report = {
        "generated_time": (EPOCH + datetime.timedelta(minutes=40)).isoformat(),
        "payload": {
            "event": "STOPPED",
            "cluster_status": "OFFLINE",
            "host_status": "NORMAL",
        },
    }
    world.clock.advance(minutes=25)

    send(world, "POST", "/v1/segments", 409, {
        "segment": {"name": "rack-1", **rack},
    })  # fmt: skip
    send(world, "PUT", here, 200, {"segment": {"description": "Row 1"}})
    send(world, "PUT", here, 409, {"segment": {"name": "rack-2"}})
    send(world, "POST", f"{here}/hosts", 409, {
        "host": {"name": "compute-1", **computer},
    })  # fmt: skip
    send(world, "PUT", there, 200, {"host": {"reserved": False}})
    send(world, "PUT", there, 409, {"host": {"name": "compute-2"}})
    with no_database():
        assert world.notify(**report).status_int == 503
        send(world, "DELETE", there, 503)
        send(world, "DELETE", here, 503)
    uuid = world.notify(**report).json["notification"]["notification_uuid"]
    reported = world.database.read(notifications.get, uuid)
    records.change(
        world.database, tables.Notification, uuid, status="finished"
    )
    send(world, "DELETE", there, 204)
    send(world, "DELETE", here, 204)
    return reported


def play_recoveries(publisher, notification):
    """Two recoveries: one moves its instance, one does not."""
    told = Announcements(publisher, context.admin())
    begin = EPOCH + datetime.timedelta(minutes=42)
    end = EPOCH + datetime.timedelta(minutes=43)
    pending = dataclasses.replace(
        VMOVE,
        notification_uuid=notification.uuid,
        created_at=begin,
        updated_at=None,
    )
    moved = dataclasses.replace(
        pending,
        dest_host="compute-2",
        start_time=begin,
        end_time=end,
        status=VMoveStatus.SUCCEEDED,
        updated_at=end,
    )
    failed = dataclasses.replace(
        moved,
        dest_host=None,
        status=VMoveStatus.FAILED,
        message="No valid host was found.",
    )
    for move in moved, failed:
        told.begun(notification, attempt=1)
        told.planned([pending])
        told.moved([move])
        told.ended(notification, verdict.of_moves([move]))


def envelopes(world):
    """What of all this travels, the first of each type."""
    _impl_test.reset()
    notifiers = {one: Notifier(world.conf, one) for one in Binary}
    for event in world.events.events:
        action, _, phase = event.type.rpartition(".")
        notifiers[event.binary or Binary.API].emit(
            event.context, action, Phase(phase), event.payload
        )
    for notifier in notifiers.values():
        notifier.close()
    found = {}
    for _, envelope, *_ in _impl_test.NOTIFICATIONS:
        found.setdefault(envelope["event_type"], envelope)
    return found


def fixed(envelope, uuids):
    """The same, as it is always."""
    fault = envelope["payload"]["masakari_object.data"]["fault"]
    if fault is not None and fault["masakari_object.data"]["traceback"]:
        values = fault["masakari_object.data"]
        first, *_, last = values["traceback"].splitlines()
        values["traceback"] = f"{first}\n  [...]\n{last}\n"
    text = json.dumps(
        {
            "event_type": envelope["event_type"],
            "priority": envelope["priority"],
            "publisher_id": envelope["publisher_id"],
            "message_id": "b7a3d1c5-2f4e-4d6a-8c9b-0e1f2a3b4c5d",
            "timestamp": "2026-11-23 12:45:00.123456",
            "payload": envelope["payload"],
        },
        indent=4,
    )
    for uuid, name in uuids.items():
        text = text.replace(uuid, name)
    return f"{text}\n"


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    with mock.patch.object(socket, "gethostname", return_value="controller-1"):
        world = World(
            tmp_path_factory.mktemp("samples"),
            transport_url="fake://",
            oslo_messaging_notifications__driver="test",
        )
        notification = play_requests(world)
        engine = Recorder()
        play_recoveries(engine, notification)
        world.events.events += [
            dataclasses.replace(event, binary=event.binary or Binary.ENGINE)
            for event in engine.events
        ]
        found = envelopes(world)
    world.close()
    uuids = {
        found["segment.create.end"]["payload"]["masakari_object.data"][
            "uuid"
        ]: SEGMENT_UUID,
        notification.source_host_uuid: HOST_UUID,
        notification.uuid: NOTIFICATION_UUID,
    }
    return {name: fixed(envelope, uuids) for name, envelope in found.items()}


@pytest.mark.parametrize("name", API + ENGINE)
def test_a_sample_is_what_is_sent(samples, name):
    file = DIRECTORY / f"{name}.json"
    if "MASAKARI_WRITE_SAMPLES" in os.environ:
        file.write_text(samples[name])
    assert file.read_text() == samples[name]


def test_every_event_has_a_sample(samples):
    assert sorted(samples) == sorted(API + ENGINE)
    files = DIRECTORY.glob("*")
    assert sorted(file.name for file in files) == sorted(
        f"{name}.json" for name in samples
    )
