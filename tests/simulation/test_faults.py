# SPDX-License-Identifier: Apache-2.0
"""Nova refuses, fails, hangs, loses and lies; nothing is harmed or lost."""

import pytest

from masakari.domain.model import NotificationStatus, VMoveStatus
from masakari.domain.settings import RecoverySettings
from tests.simulation.harness import Simulation

FINISHED = NotificationStatus.FINISHED
FAILED = NotificationStatus.FAILED


def test_no_valid_host_is_tried_again_while_room_may_return(
    simulation: Simulation,
) -> None:
    failed, other = simulation.hosts(2, slots=5)
    uuids = simulation.servers(failed, 3)
    filling = simulation.servers(other, 5)
    notification = simulation.fail(failed)

    def make_room() -> None:
        for uuid in filling:
            simulation.cloud.delete_server(uuid)

    simulation.clock.at(simulation.clock.elapsed + 30, make_room)
    simulation.run(simulation.engine(), seconds=80)
    assert simulation.now(notification).status is FINISHED
    for uuid in uuids:
        assert simulation.cloud.servers[uuid].vm_state == "active"


def test_without_room_it_is_retried_once_and_then_failed(
    simulation: Simulation,
) -> None:
    failed, _other = simulation.hosts(2, slots=0)
    simulation.servers(failed, 2)
    notification = simulation.fail(failed)
    engine = simulation.engine()
    simulation.run(engine, seconds=110)
    seen = simulation.now(notification)
    assert seen.status is NotificationStatus.ERROR
    assert "2 of 2 instances were not recovered" in str(seen.message)
    assert "No valid host" in str(seen.message)
    simulation.run(engine, seconds=400)
    assert simulation.now(notification).status is FAILED
    assert [m.status for m in simulation.vmoves(notification)] == [
        VMoveStatus.FAILED
    ] * 4


def test_the_second_attempt_restores_what_was_before_the_first(
    simulation: Simulation,
) -> None:
    """Nova has put it into error meanwhile; it was running."""
    failed, other = simulation.hosts(2, slots=1)
    (uuid,) = simulation.servers(failed, 1)
    (filling,) = simulation.servers(other, 1)
    notification = simulation.fail(failed)
    engine = simulation.engine()
    simulation.run(engine, seconds=110)
    assert simulation.now(notification).status is NotificationStatus.ERROR
    assert simulation.cloud.servers[uuid].vm_state == "error"
    simulation.cloud.delete_server(filling)
    simulation.run(engine, seconds=200)
    assert simulation.now(notification).status is FINISHED
    server = simulation.cloud.servers[uuid]
    assert (server.vm_state, server.power_state) == ("active", 1)
    assert server.host == other.name


def test_what_the_first_attempt_moved_is_not_moved_again(
    simulation: Simulation,
) -> None:
    failed, _other = simulation.hosts(2)
    good, bad = simulation.servers(failed, 2)
    simulation.cloud.faults.add(
        "evacuate", 403, server=bad, message="Policy says no.", times=1
    )
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert sorted(simulation.evacuated()) == sorted([good, bad, bad])
    last = {
        move.instance_uuid: move.status
        for move in simulation.vmoves(notification)
    }
    assert set(last.values()) == {VMoveStatus.SUCCEEDED}


def test_a_refusal_is_recorded_with_novas_reason(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(3)
    uuids = simulation.servers(failed, 3)
    simulation.cloud.faults.add(
        "evacuate", 403, server=uuids[1], message="Policy says no."
    )
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    assert "Policy says no." in str(notification.message)
    ends = {m.instance_uuid: m for m in simulation.vmoves(notification)}
    assert ends[uuids[1]].status is VMoveStatus.FAILED
    assert "Policy says no." in str(ends[uuids[1]].message)
    assert ends[uuids[0]].status is VMoveStatus.SUCCEEDED


@pytest.mark.parametrize("code", [500, 503, 429])
def test_nova_is_away_for_a_minute(simulation: Simulation, code: int) -> None:
    failed, *_ = simulation.hosts(4)
    uuids = simulation.servers(failed, 12)
    notification = simulation.fail(failed)
    simulation.clock.at(
        simulation.clock.elapsed + 1,
        lambda: (
            simulation.cloud.faults.add(
                "*", code, until=simulation.clock.epoch() + 60, retry_after=5
            )
            and None
        ),
    )
    assert simulation.recover(notification).status is FINISHED
    for uuid in uuids:
        assert simulation.cloud.servers[uuid].host != failed.name


@pytest.mark.parametrize("kind", ["hang", "timeout"])
def test_an_evacuation_without_an_answer_is_not_asked_for_twice(
    simulation: Simulation, kind: str
) -> None:
    failed, *_ = simulation.hosts(4)
    uuids = simulation.servers(failed, 6)
    simulation.cloud.faults.add("evacuate", kind, times=3)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    records = [r.instance_uuid for r in simulation.cloud.migrations]
    assert sorted(records) == sorted(uuids)


def test_an_evacuation_that_nova_lost_is_asked_for_again(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(3)
    lost, *others = simulation.servers(failed, 3)
    simulation.cloud.faults.add("evacuate", "lost", server=lost, times=1)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert simulation.evacuated().count(lost) == 2
    assert all(simulation.evacuated().count(other) == 1 for other in others)
    ends = {m.instance_uuid: m for m in simulation.vmoves(notification)}
    assert {move.status for move in ends.values()} == {VMoveStatus.SUCCEEDED}


def test_a_rebuild_that_takes_long_is_watched_to_its_end() -> None:
    simulation = Simulation(
        RecoverySettings(evacuation_timeout=20),
        evacuation_seconds=120.0,
    )
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 2)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert len(simulation.evacuated()) == 2


def test_a_destination_that_dies_does_not_hold_up_the_rest(
    simulation: Simulation,
) -> None:
    failed, second, *_ = simulation.hosts(4)
    simulation.servers(failed, 9)
    notification = simulation.fail(failed)
    simulation.clock.at(
        simulation.clock.elapsed + 1,
        lambda: simulation.cloud.kill(second.name),
    )
    simulation.recover(notification)
    ends = [m.status for m in simulation.vmoves(notification)]
    assert VMoveStatus.PENDING not in ends
    assert VMoveStatus.ONGOING not in ends
    assert simulation.now(notification).status in (FINISHED, FAILED)


def test_the_host_comes_back_and_keeps_what_has_not_left_it() -> None:
    simulation = Simulation(RecoverySettings(window_floor=1, window_ceiling=1))
    failed, *_ = simulation.hosts(3)
    uuids = simulation.servers(failed, 5)
    notification = simulation.fail(failed)
    simulation.clock.at(
        simulation.clock.elapsed + 4,
        lambda: simulation.cloud.revive(failed.name),
    )
    simulation.recover(notification)
    moves = simulation.vmoves(notification)
    stayed = [m for m in moves if m.status is VMoveStatus.IGNORED]
    left = [m for m in moves if m.status is VMoveStatus.SUCCEEDED]
    assert stayed
    assert left
    assert len(stayed) + len(left) == len(uuids)
    assert all("came back" in str(move.message) for move in stayed)


def test_an_expired_notification_is_failed(simulation: Simulation) -> None:
    failed, *_ = simulation.hosts(2)
    simulation.servers(failed, 1)
    notification = simulation.fail(failed)
    simulation.clock.pass_time(86400 + 1)
    seen = simulation.recover(notification)
    assert seen.status is FAILED
    assert "expired" in str(seen.message)
    assert simulation.evacuated() == []


def test_an_unexpected_error_ends_in_a_status(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(2)
    simulation.servers(failed, 1)
    notification = simulation.fail(failed)
    inner = simulation.cloud.on_call

    def fail(when: str, call: object) -> None:
        if getattr(call, "verb", "") == "servers_on":
            raise ZeroDivisionError
        assert inner is not None
        inner(when, call)

    simulation.cloud.on_call = fail
    seen = simulation.recover(notification)
    assert seen.status is FAILED
    assert "ZeroDivisionError" in str(seen.message)


def test_without_taskflows_tables_it_recovers_all_the_same(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(2)
    simulation.servers(failed, 2)
    notification = simulation.fail(failed)
    with simulation.database.transaction() as connection:
        for table in ("atomdetails", "flowdetails", "logbooks"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    assert simulation.recover(notification).status is FINISHED
    assert simulation.progress(notification) == []


@pytest.mark.parametrize("kind", ["hang", "timeout"])
def test_a_late_one_without_an_answer_is_not_asked_for_twice(
    kind: str,
) -> None:
    """By then Nova has been asked for changes only."""
    simulation = Simulation(
        RecoverySettings(window_floor=1, window_ceiling=1),
        scheduling_seconds=60.0,
    )
    failed, *_ = simulation.hosts(3)
    uuids = sorted(simulation.servers(failed, 3))
    simulation.cloud.faults.add("evacuate", kind, server=uuids[-1], times=1)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    records = [r.instance_uuid for r in simulation.cloud.migrations]
    assert sorted(records) == uuids
    assert simulation.cloud.counts["reset_state"] == 0


def test_a_task_that_nova_may_yet_begin_is_not_reset(
    simulation: Simulation,
) -> None:
    """A reset would let Nova rebuild the same instance twice."""
    failed, *_ = simulation.hosts(3)
    (uuid,) = simulation.servers(failed, 1)
    simulation.cloud.faults.add("evacuate", "lost", times=1)
    notification = simulation.fail(failed)
    simulation.steps.kill_at = ("after", "evacuate", 1)
    simulation.run(
        simulation.engine("engine-1"), simulation.engine("engine-2")
    )
    assert simulation.now(notification).status is FINISHED
    assert simulation.evacuated() == [uuid, uuid]
    first, again = (
        call.at for call in simulation.cloud.calls if call.verb == "evacuate"
    )
    wait = simulation.settings.evacuation_start_timeout
    assert again - first >= wait


def test_a_request_that_nova_carries_out_late_is_not_repeated(
    simulation: Simulation,
) -> None:
    """Between the look at the records and the second request."""
    failed, *_ = simulation.hosts(3)
    (uuid,) = simulation.servers(failed, 1)
    simulation.cloud.faults.add("evacuate", "hang", times=1)
    notification = simulation.fail(failed)
    inner = simulation.cloud.on_call
    assert inner is not None
    late: list[str] = []

    def carry_out_late(when: str, call: object) -> None:
        inner(when, call)  # type: ignore[arg-type]
        verb = getattr(call, "verb", "")
        if (when, verb) == ("after", "server") and not late:
            late.append(uuid)
            simulation.cloud.compute.evacuate(uuid)

    simulation.cloud.on_call = carry_out_late
    assert simulation.recover(notification).status is FINISHED
    assert late
    assert len(simulation.cloud.migrations) == 1


def test_what_our_attempts_have_left_in_error_is_put_back(
    simulation: Simulation,
) -> None:
    failed, _other = simulation.hosts(2, slots=0)
    (uuid,) = simulation.servers(failed, 1)
    notification = simulation.fail(failed)
    simulation.clock.at(
        simulation.clock.elapsed + 20,
        lambda: simulation.cloud.revive(failed.name),
    )
    seen = simulation.recover(notification)
    assert simulation.cloud.servers[uuid].vm_state == "active"
    assert seen.status is FINISHED
    (first, *_rest) = simulation.vmoves(notification)
    assert first.status is VMoveStatus.IGNORED
    assert "came back" in str(first.message)
