# SPDX-License-Identifier: Apache-2.0
"""What engines tell the message bus of a recovery."""

import pytest

from masakari.domain.model import NotificationStatus
from masakari.domain.settings import RecoverySettings
from masakari.events.publisher import Binary
from tests.simulation import harness
from tests.simulation.harness import Simulation
from tests.simulation.test_instance_failure import TAGGED, report
from tests.unit.events.recorder import Event, Recorder

FINISHED = NotificationStatus.FINISHED
IGNORED = NotificationStatus.IGNORED
FAILED = NotificationStatus.FAILED


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """What is told by all engines of the test."""
    recorder = Recorder()
    monkeypatch.setattr(harness, "Silent", lambda: recorder)
    return recorder


def statuses(events: Recorder) -> list[tuple[str, str]]:
    """Of the notification, with the status in each event."""
    return [
        (event.type.removeprefix("notification."), event.data["status"])
        for event in events.events
        if event.type.startswith("notification.")
    ]


def moves(events: Recorder, uuid: str) -> list[tuple[str, str]]:
    """Of one instance, with the status in each event."""
    return [
        (event.type, event.data["status"])
        for event in events.events
        if event.data.get("instance_uuid") == uuid
    ]


def faults(events: Recorder) -> list[Event]:
    return [event for event in events.events if event.fault is not None]


def test_a_host_is_recovered(simulation: Simulation, events: Recorder) -> None:
    host, _other = simulation.hosts(2)
    uuids = simulation.servers(host, 2)
    notification = simulation.recover(simulation.fail(host))
    assert notification.status is FINISHED
    assert statuses(events) == [
        ("process.start", "new"),
        ("process.end", "running"),
        ("update.end", "finished"),
    ]
    for uuid in uuids:
        assert moves(events, uuid) == [
            ("vmove.create.end", "pending"),
            ("vmove.update.end", "ongoing"),
            ("vmove.update.end", "succeeded"),
        ]
    assert events.of("host") == ["host.update.start", "host.update.end"]
    assert faults(events) == []
    order = [
        type
        for type in events.types
        if type.startswith(("notification.", "host."))
    ]
    assert order == [
        "notification.process.start",
        "host.update.start",
        "host.update.end",
        "notification.process.end",
        "notification.update.end",
    ]


def test_the_change_of_a_host_is_told_as_by_the_api(
    simulation: Simulation, events: Recorder
) -> None:
    host, _other = simulation.hosts(2)
    simulation.recover(simulation.fail(host))
    for event in events.events:
        if event.type.startswith("host."):
            assert event.binary is Binary.API
            assert event.data["uuid"] == host.uuid
            assert event.data["on_maintenance"] is True
        else:
            assert event.binary is None
    assert {event.context.request_id for event in events.events} == {
        "req-simulated"
    }


def test_one_that_is_tried_twice_and_fails(
    simulation: Simulation, events: Recorder
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1)
    simulation.cloud.faults.add("evacuate", 400)
    notification = simulation.recover(simulation.fail(host))
    assert notification.status is FAILED
    assert statuses(events) == [
        ("process.start", "new"),
        ("process.error", "running"),
        ("update.error", "error"),
        ("process.start", "error"),
        ("process.error", "running"),
        ("update.error", "failed"),
    ]
    (first, *_rest) = [
        e for e in faults(events) if e.type == "vmove.update.error"
    ]
    assert first.data["instance_uuid"] == uuid
    assert first.data["status"] == "failed"
    assert first.fault is not None
    assert first.fault["exception"] == "VMoveFailed"
    assert first.fault["exception_message"] == first.data["message"]
    last = events.events[-1]
    assert last.fault is not None
    assert last.fault["exception"] == "NotificationNotRecovered"
    assert last.fault["exception_message"] == notification.message


def test_an_event_of_an_instance_that_is_none_of_ours(
    simulation: Simulation, events: Recorder
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    seen = simulation.recover(
        report(simulation, host, uuid, "LIFECYCLE", "STOPPED_SHUTDOWN")
    )
    assert seen.status is IGNORED
    assert statuses(events) == [
        ("process.start", "new"),
        ("process.end", "running"),
        ("update.end", "ignored"),
    ]
    assert len(events.events) == 3
    assert faults(events) == []


def test_an_instance_that_is_paused(
    simulation: Simulation, events: Recorder
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED, vm_state="paused")
    seen = simulation.recover(report(simulation, host, uuid))
    assert seen.status is IGNORED
    assert statuses(events) == [
        ("process.start", "new"),
        ("process.error", "running"),
        ("update.end", "ignored"),
    ]
    (error,) = faults(events)
    assert error.fault is not None
    assert error.fault["exception"] == "IgnoreInstanceRecoveryException"
    assert "paused" in error.fault["exception_message"]


def test_a_segment_that_is_disabled(
    simulation: Simulation, events: Recorder
) -> None:
    host, _other = simulation.hosts(2, enabled=False)
    simulation.servers(host, 1)
    seen = simulation.recover(simulation.fail(host))
    assert statuses(events) == [
        ("process.start", "new"),
        ("process.end", "running"),
        ("update.end", seen.status.value),
    ]
    assert len(events.events) == 3


def test_an_instance_that_is_left_alone(events: Recorder) -> None:
    settings = RecoverySettings(ignore_instances_in_error_state=True)
    simulation = Simulation(settings)
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, vm_state="error")
    simulation.recover(simulation.fail(host))
    assert moves(events, uuid) == [("vmove.create.end", "ignored")]
    assert events["vmove.create.end"].data["message"]


def test_what_another_engine_finishes(
    simulation: Simulation, events: Recorder
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1)
    notification = simulation.fail(host)
    simulation.steps.kill_at = ("after", "evacuate", 1)
    simulation.run(
        simulation.engine("engine-1"), simulation.engine("engine-2")
    )
    assert simulation.now(notification).status is FINISHED
    assert statuses(events) == [
        ("process.start", "new"),
        ("process.start", "new"),
        ("process.end", "running"),
        ("update.end", "finished"),
    ]
    told = moves(events, uuid)
    assert told[0] == ("vmove.create.end", "pending")
    assert told[-1] == ("vmove.update.end", "succeeded")
    assert told.count(told[-1]) == told.count(told[0]) == 1
