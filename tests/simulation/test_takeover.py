# SPDX-License-Identifier: Apache-2.0
"""Engines die, stop and race; every notification is recovered once."""

import pytest

from masakari import exception
from masakari.db import claims, due
from masakari.domain import verdict
from masakari.domain.model import (
    Candidate,
    Notification,
    NotificationStatus,
    VMoveStatus,
)
from masakari.domain.settings import RecoverySettings
from tests.simulation.harness import LEASE, Simulation

FINISHED = NotificationStatus.FINISHED


def candidate_of(notification: Notification) -> Candidate:
    return Candidate(
        notification_uuid=notification.uuid,
        type=notification.type,
        subject=notification.source_host_uuid,
    )


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("verb", "count"),
    [
        ("disable_service", 1),
        ("compute_services", 1),
        ("compute_service", 1),
        ("servers_on", 1),
        ("evacuations", 1),
        ("evacuate", 1),
        ("evacuate", 4),
        ("evacuate", 9),
        ("evacuations", 3),
        ("server", 1),
        ("server", 8),
        ("servers_on", 2),
    ],
)
def test_another_engine_finishes_what_a_killed_one_began(
    simulation: Simulation, verb: str, count: int, when: str
) -> None:
    failed, *_ = simulation.hosts(4)
    uuids = simulation.servers(failed, 8)
    uuids += simulation.servers(failed, 2, vm_state="stopped")
    notification = simulation.fail(failed)
    simulation.steps.kill_at = (when, verb, count)
    first = simulation.engine("engine-1")
    second = simulation.engine("engine-2")
    simulation.run(first, second, seconds=200)
    assert not first.alive
    assert simulation.now(notification).status is FINISHED
    assert sorted(
        record.instance_uuid for record in simulation.cloud.migrations
    ) == sorted(uuids)
    moves = simulation.vmoves(notification)
    assert len(moves) == len(uuids)
    assert {move.status for move in moves} == {VMoveStatus.SUCCEEDED}


def test_the_tasks_of_a_killed_engine_are_not_shown_as_running(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(4)
    simulation.servers(failed, 4)
    notification = simulation.fail(failed)
    simulation.steps.kill_at = ("before", "evacuate", 2)
    simulation.run(
        simulation.engine("engine-1"),
        simulation.engine("engine-2"),
        seconds=200,
    )
    assert simulation.now(notification).status is FINISHED
    assert [
        (task.state, task.engine) for task in simulation.progress(notification)
    ] == [
        ("SUCCESS", "engine-1"),
        ("SUCCESS", "engine-1"),
        ("FAILURE", "engine-1"),
        ("SUCCESS", "engine-2"),
        ("SUCCESS", "engine-2"),
        ("SUCCESS", "engine-2"),
    ]


def test_work_goes_on_when_the_lease_of_a_dead_engine_ends(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(4)
    simulation.servers(failed, 4)
    notification = simulation.fail(failed)
    simulation.steps.kill_at = ("before", "evacuate", 1)
    died_at = simulation.clock.elapsed
    simulation.run(
        simulation.engine("engine-1"),
        simulation.engine("engine-2"),
        seconds=40,
    )
    assert simulation.now(notification).status is FINISHED
    first = simulation.cloud.migrations[0].created_at
    assert first - simulation.clock.start - died_at < LEASE + 4


def test_a_stopping_engine_finishes_what_is_in_flight() -> None:
    simulation = Simulation(RecoverySettings(window_ceiling=6))
    failed, *_ = simulation.hosts(4)
    simulation.servers(failed, 30)
    notification = simulation.fail(failed)
    first = simulation.engine("engine-1")
    second = simulation.engine("engine-2")
    started = simulation.clock.elapsed
    simulation.clock.at(started + 3, first.stopping.set)
    first.poll()
    assert simulation.now(notification).status is NotificationStatus.RUNNING
    ongoing = [
        move
        for move in simulation.vmoves(notification)
        if move.status is VMoveStatus.ONGOING
    ]
    assert ongoing == []
    assert 0 < len(simulation.evacuated()) < 30
    second.poll()
    assert simulation.now(notification).status is FINISHED
    assert len(simulation.evacuated()) == 30


def test_one_of_two_engines_wins_a_claim(simulation: Simulation) -> None:
    failed, *_ = simulation.hosts(2)
    notification = simulation.fail(failed)
    database = simulation.database
    database.write(claims.open_row, failed.uuid)
    candidate = candidate_of(notification)
    won = [
        database.write(
            claims.claim, candidate, owner=name, token=name, lease=15
        )
        for name in ("engine-1", "engine-2")
    ]
    assert won[0] is not None
    assert won[1] is None


def test_two_notifications_of_one_host_are_never_held_at_once(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(2)
    simulation.fail(failed)
    other = simulation.notify(failed)
    database = simulation.database
    database.write(claims.open_row, failed.uuid)
    first, *_rest = database.read(due.candidates, limit=10)
    assert database.write(
        claims.claim, first, owner="engine-1", token="t", lease=15
    )
    assert database.read(due.candidates, limit=10) == []
    assert (
        database.write(
            claims.claim,
            candidate_of(other),
            owner="engine-2",
            token="u",
            lease=15,
        )
        is None
    )


def test_an_engine_that_lost_its_lease_does_not_act_again(
    simulation: Simulation,
) -> None:
    """As after SIGSTOP for longer than the lease, then SIGCONT."""
    failed, *_ = simulation.hosts(4)
    simulation.servers(failed, 40)
    notification = simulation.fail(failed)
    sleeper = simulation.engine("engine-1")
    other = simulation.engine("engine-2")
    taken_over: list[int] = []

    def sleep() -> None:
        sleeper.alive = False
        simulation.clock.at(simulation.clock.elapsed + LEASE + 1, take_over)
        simulation.clock.pass_time(LEASE + 2)

    def take_over() -> None:
        other.poll()
        taken_over.append(len(simulation.cloud.calls))

    simulation.clock.at(simulation.clock.elapsed + 3, sleep)
    sleeper.poll()
    assert taken_over == [len(simulation.cloud.calls)]
    assert simulation.now(notification).status is FINISHED
    assert len(simulation.evacuated()) == 40


def test_nothing_is_written_under_a_claim_that_another_engine_has_taken(
    simulation: Simulation,
) -> None:
    """Even by an engine that believes that it still holds it."""
    failed, *_ = simulation.hosts(2)
    notification = simulation.fail(failed)
    database = simulation.database
    database.write(claims.open_row, failed.uuid)
    candidate = candidate_of(notification)
    lost = database.write(
        claims.claim, candidate, owner="engine-1", token="one", lease=LEASE
    )
    simulation.clock.pass_time(LEASE + 1)
    held = database.write(
        claims.claim, candidate, owner="engine-2", token="two", lease=LEASE
    )
    assert lost is not None
    assert held is not None
    written: list[str] = []
    with pytest.raises(exception.ClaimLost):
        database.write(
            claims.while_held, lost, LEASE, lambda _: written.append("x")
        )
    with pytest.raises(exception.ClaimLost):
        database.write(
            claims.finish,
            lost,
            verdict.finished(),
            lease=LEASE,
            retry_in=120,
        )
    assert written == []
    assert simulation.now(notification).status is NotificationStatus.RUNNING
    assert not database.write(claims.renew, lost, lease=LEASE)
    database.write(claims.hand_back, lost)
    assert database.write(claims.renew, held, lease=LEASE)
