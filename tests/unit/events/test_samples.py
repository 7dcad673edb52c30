# SPDX-License-Identifier: Apache-2.0
"""One sample of every event, in ``doc/notification_samples``.

With ``MASAKARI_WRITE_SAMPLES`` set they are written anew.
"""

import dataclasses
import json
import os
import pathlib
import socket

import pytest
from oslo_messaging.notify import _impl_test as bus

from masakari import conf as configuration
from masakari import context, exception
from masakari.domain import model, verdict
from masakari.engine.announcements import Announcements
from masakari.events import changes, payloads
from masakari.events.publisher import Binary, Notifier
from tests.unit.events.records import HOST, NOTIFICATION, SEGMENT, VMOVE

DIRECTORY = pathlib.Path(__file__).parents[3] / "doc" / "notification_samples"

API_TYPES = {
    f"{record}.{action}.{phase}"
    for record, actions in {
        "segment": ("create", "update", "delete"),
        "host": ("create", "update", "delete"),
        "notification": ("create",),
    }.items()
    for action in actions
    for phase in ("start", "end", "error")
}
ENGINE_TYPES = {
    "notification.process.start",
    "notification.process.end",
    "notification.process.error",
    "notification.update.end",
    "notification.update.error",
    "vmove.create.end",
    "vmove.update.end",
    "vmove.update.error",
}

FAILED = "No valid host was found."


def tell_changes(publisher, caller):
    """All that the API tells."""
    away = exception.ServiceUnavailable()
    reserve = dataclasses.replace(HOST, reserved=True)
    ordered = dataclasses.replace(
        SEGMENT, recovery_method=model.RecoveryMethod.AUTO_PRIORITY
    )
    for action, payload, error in (
        (
            "segment.create",
            payloads.segment(SEGMENT),
            exception.SegmentExists(name=SEGMENT.name),
        ),
        (
            "segment.update",
            payloads.segment(ordered),
            exception.SegmentExists(name=SEGMENT.name),
        ),
        ("segment.delete", payloads.segment(SEGMENT), away),
        (
            "host.create",
            payloads.host(HOST),
            exception.HostExists(name=HOST.name),
        ),
        (
            "host.update",
            payloads.host(reserve),
            exception.HostExists(name=HOST.name),
        ),
        ("host.delete", payloads.host(HOST), away),
        ("notification.create", payloads.notification(NOTIFICATION), away),
    ):
        wanted = payload
        if action.endswith(".create"):
            wanted = payloads.unsaved(payload)
        with changes.told(publisher, caller, action) as told:
            told.wanted, told.done = wanted, payload
        with (
            pytest.raises(type(error)),
            changes.told(publisher, caller, action) as told,
        ):
            told.wanted = wanted
            raise error


def tell_recovery(publisher, caller):
    """All that an engine tells under its own name."""
    announcements = Announcements(publisher, caller)
    announcements.begun(NOTIFICATION, 1)
    announcements.planned([VMOVE])
    moved = dataclasses.replace(
        VMOVE,
        dest_host="compute-2",
        start_time=VMOVE.created_at,
        end_time=VMOVE.updated_at,
        status=model.VMoveStatus.SUCCEEDED,
    )
    failed = dataclasses.replace(
        moved,
        dest_host=None,
        status=model.VMoveStatus.FAILED,
        message=FAILED,
    )
    announcements.moved([moved, failed])
    announcements.ended(NOTIFICATION, verdict.finished())
    announcements.ended(NOTIFICATION, verdict.of_moves([failed]))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What is on the bus, by the type of the event."""
    file = tmp_path_factory.mktemp("samples") / "masakari.conf"
    file.write_text("[oslo_messaging_notifications]\ndriver = test\n")
    conf = configuration.load([], prog="test", config_files=[str(file)])
    caller = context.admin("req-0f5d3b6c-2a1e-4f7e-9a4c-0d6f3f1c8b5a")
    bus.reset()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "gethostname", lambda: "controller-1")
        for binary, tell in (
            (Binary.API, tell_changes),
            (Binary.ENGINE, tell_recovery),
        ):
            publisher = Notifier(conf, binary)
            tell(publisher, caller)
            publisher.close()
    found = {
        message["event_type"]: sample(message)
        for _, message, _, _ in bus.NOTIFICATIONS
    }
    bus.reset()
    return found


def sample(message):
    """An envelope without what is another one each time."""
    fault = message["payload"]["masakari_object.data"]["fault"]
    if fault and fault["masakari_object.data"]["traceback"]:
        raised = fault["masakari_object.data"]
        raised["module_name"] = "masakari.db.session"
        raised["function_name"] = "write"
        head, *_, last = raised["traceback"].splitlines()
        raised["traceback"] = f"{head}\n  ...\n{last}\n"
    return {
        **message,
        "message_id": "3c5b5a0f-8e0d-4f8e-8a55-1f6d1a1f0a77",
        "timestamp": "2026-11-23 12:40:01.123456",
    }


def test_every_event_has_its_sample(told):
    assert set(told) == API_TYPES | ENGINE_TYPES
    if "MASAKARI_WRITE_SAMPLES" not in os.environ:
        assert {path.stem for path in DIRECTORY.glob("*.json")} == set(told)


@pytest.mark.parametrize("type", sorted(API_TYPES | ENGINE_TYPES))
def test_a_sample_is_what_is_told(told, type):
    path = DIRECTORY / f"{type}.json"
    text = json.dumps(told[type], indent=2, sort_keys=True) + "\n"
    if "MASAKARI_WRITE_SAMPLES" in os.environ:
        path.write_text(text)
    assert json.loads(path.read_text()) == told[type]
    assert path.read_text() == text
