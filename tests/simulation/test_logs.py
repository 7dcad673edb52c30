# SPDX-License-Identifier: Apache-2.0
"""What the log of an engine tells of a recovery."""

import logging

import pytest

from masakari.domain.model import VMoveStatus
from masakari.engine.journal import Journal
from tests.simulation.harness import Simulation


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture):
    """What the engine has logged, as level and text, by a part of it."""
    caplog.set_level(logging.INFO)

    def find(part):
        return [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if part in record.getMessage()
        ]

    return find


def test_an_end_is_told_as_loud_as_it_is_bad(
    simulation: Simulation, told
) -> None:
    failed, _other = simulation.hosts(2, slots=1)
    simulation.servers(failed, 2)
    uuid = simulation.recover(simulation.fail(failed)).uuid
    begun, again = told("Working on")
    assert begun == (
        "INFO",
        f"Working on notification {uuid} (COMPUTE_HOST, attempt 1) of host "
        f"{failed.name} ({failed.uuid})",
    )
    assert "attempt 2" in again[1]
    ends = [
        (level, text.partition(": ")[0])
        for level, text in told(f"Notification {uuid} is ")
    ]
    assert ends == [
        ("WARNING", f"Notification {uuid} is error (engine engine-1)"),
        ("ERROR", f"Notification {uuid} is failed (engine engine-1)"),
    ]


def test_what_is_done_is_told_quietly(simulation: Simulation, told) -> None:
    failed, _other = simulation.hosts(2)
    simulation.servers(failed, 2)
    uuid = simulation.recover(simulation.fail(failed)).uuid
    assert told(f"Notification {uuid} is ") == [
        (
            "INFO",
            f"Notification {uuid} is finished (engine engine-1): all is done",
        )
    ]
    assert not told("taken over")


def test_a_take_over_is_no_fresh_start(simulation: Simulation, told) -> None:
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 2)
    notification = simulation.fail(failed)
    simulation.steps.kill_at = ("before", "evacuate", 1)
    first = simulation.engine("engine-1")
    second = simulation.engine("engine-2")
    simulation.run(first, second, seconds=200)
    assert not first.alive
    assert told("taken over") == [
        (
            "WARNING",
            f"Notification {notification.uuid} is taken over from engine "
            "engine-1, whose lease has run out",
        )
    ]


def test_what_is_in_the_way_is_told_once_while_it_is_tried_again(
    simulation: Simulation, told, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, other = simulation.hosts(2, slots=1)
    uuids = simulation.servers(failed, 5)
    (filling,) = simulation.servers(other, 1)
    written = []
    note = Journal.note

    def counted(journal, messages):
        written.extend(messages)
        note(journal, messages)

    monkeypatch.setattr(Journal, "note", counted)
    notification = simulation.fail(failed)
    seen = []

    def look():
        seen.extend(
            (move.status, move.message)
            for move in simulation.vmoves(notification)
        )
        simulation.cloud.delete_server(filling)

    simulation.clock.at(simulation.clock.elapsed + 40, look)
    simulation.recover(notification)
    reason = "No valid host was found. There are not enough hosts available."
    assert seen == [(VMoveStatus.ONGOING, reason)] * 5
    assert len(written) == len(set(written))
    first, *_ = told("could not be evacuated so far")
    assert first[0] == "WARNING"
    assert first[1].startswith(f"Notification {notification.uuid}: instance ")
    assert first[1].endswith(reason)
    # One for each attempt, and not for each instance.
    assert len(told("could not be evacuated so far")) == 2
    moved = [
        move
        for move in simulation.vmoves(notification)
        if move.status is VMoveStatus.SUCCEEDED
    ]
    assert [move.message for move in moved] == [None]
    assert moved[0].instance_uuid in uuids
