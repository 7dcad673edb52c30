# SPDX-License-Identifier: Apache-2.0
"""However a recovery ends, nothing is left between two states."""

import gc

import pytest
from sqlalchemy import MetaData

from masakari.db import segments
from masakari.domain.model import (
    SETTLED,
    NotificationStatus,
    VMove,
    VMoveStatus,
)
from masakari.domain.settings import RecoverySettings
from tests.simulation.harness import STOPPED, Simulation

FINISHED = NotificationStatus.FINISHED
FAILED = NotificationStatus.FAILED


def last_moves(moves: list[VMove]) -> dict[str, VMoveStatus | None]:
    return {move.instance_uuid: move.status for move in moves}


def test_moves_end_with_the_attempt_that_could_not_make_them(
    simulation: Simulation,
) -> None:
    """Nova refuses to show its records."""
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 3)
    notification = simulation.fail(failed)
    simulation.cloud.faults.add("evacuations", 400, message="Never.")
    seen = simulation.recover(notification)
    assert seen.status is FAILED
    moves = simulation.vmoves(notification)
    assert moves
    assert {move.status for move in moves} == {VMoveStatus.FAILED}
    assert all("Never." in str(move.message) for move in moves)


def test_moves_wait_while_nova_cannot_be_asked(
    simulation: Simulation,
) -> None:
    """Nova's records cannot be read for a while."""
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 3)
    notification = simulation.fail(failed)
    until = simulation.clock.epoch() + 250
    simulation.cloud.faults.add("evacuations", 503, until=until)
    seen = simulation.recover(notification)
    assert seen.status is FINISHED
    moves = simulation.vmoves(notification)
    assert {move.status for move in moves} == {VMoveStatus.SUCCEEDED}


def test_what_was_under_way_when_the_host_came_back_is_recorded(
    simulation: Simulation,
) -> None:
    """Its engine was killed, and the next one finds the host up."""
    failed, *_ = simulation.hosts(3)
    uuids = simulation.servers(failed, 6)
    notification = simulation.fail(failed)
    simulation.steps.kill_at = ("after", "evacuate", 3)
    simulation.run(simulation.engine("engine-1"), seconds=3)
    simulation.cloud.revive(failed.name)
    simulation.run(simulation.engine("engine-2"))
    assert simulation.now(notification).status is FINISHED
    asked_for = set(simulation.evacuated())
    assert len(asked_for) == 3
    assert last_moves(simulation.vmoves(notification)) == {
        uuid: VMoveStatus.SUCCEEDED
        if uuid in asked_for
        else VMoveStatus.IGNORED
        for uuid in uuids
    }


def test_moves_end_when_the_segment_is_switched_off_meanwhile(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 6)
    notification = simulation.fail(failed)
    simulation.steps.kill_at = ("after", "evacuate", 3)
    simulation.run(simulation.engine("engine-1"), seconds=3)
    simulation.database.write(
        segments.update, failed.segment.uuid, enabled=False
    )
    seen = simulation.recover(notification)
    assert seen.status is NotificationStatus.IGNORED
    moves = simulation.vmoves(notification)
    assert {move.status for move in moves} <= SETTLED
    assert {move.message for move in moves} == {seen.message}


def test_a_new_report_restores_what_a_failed_recovery_left_in_error(
    simulation: Simulation,
) -> None:
    """An operator makes room and reports the host once more."""
    failed, other = simulation.hosts(2, slots=1)
    (uuid,) = simulation.servers(failed, 1)
    (filling,) = simulation.servers(other, 1)
    assert simulation.recover(simulation.fail(failed)).status is FAILED
    assert simulation.cloud.servers[uuid].vm_state == "error"
    simulation.cloud.delete_server(filling)
    second = simulation.recover(simulation.notify(failed))
    assert second.status is FINISHED
    server = simulation.cloud.servers[uuid]
    assert (server.vm_state, server.power_state) == ("active", 1)
    assert server.host == other.name


def test_two_reports_of_one_failure_leave_no_instance_in_error(
    simulation: Simulation,
) -> None:
    """Two monitors that tell the same in different words."""
    failed, other = simulation.hosts(2, slots=1)
    (uuid,) = simulation.servers(failed, 1)
    (filling,) = simulation.servers(other, 1)
    first = simulation.fail(failed)
    second = simulation.notify(failed, {**STOPPED, "event": "stopped"})
    simulation.clock.at(
        simulation.clock.elapsed + 120,
        lambda: simulation.cloud.delete_server(filling),
    )
    simulation.recover(first)
    assert simulation.now(first).status is FINISHED
    assert simulation.now(second).status is FINISHED
    server = simulation.cloud.servers[uuid]
    assert (server.vm_state, server.power_state) == ("active", 1)


def test_one_that_was_in_error_before_any_recovery_ends_in_error(
    simulation: Simulation,
) -> None:
    failed, other = simulation.hosts(2, slots=1)
    (uuid,) = simulation.servers(failed, 1, vm_state="error")
    (filling,) = simulation.servers(other, 1)
    assert simulation.recover(simulation.fail(failed)).status is FAILED
    simulation.cloud.delete_server(filling)
    second = simulation.recover(simulation.notify(failed))
    assert second.status is FINISHED
    server = simulation.cloud.servers[uuid]
    assert (server.vm_state, server.power_state) == ("error", 4)


def test_an_evacuation_that_is_not_found_is_no_proof_of_a_deletion(
    simulation: Simulation,
) -> None:
    """Nova's 404 may also be about a cell, or come from a proxy."""
    failed, *_ = simulation.hosts(3)
    uuids = simulation.servers(failed, 3)
    simulation.cloud.faults.add("evacuate", 404, server=uuids[0], times=2)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert last_moves(simulation.vmoves(notification)) == dict.fromkeys(
        uuids, VMoveStatus.SUCCEEDED
    )


def test_one_that_is_never_found_is_failed(simulation: Simulation) -> None:
    failed, *_ = simulation.hosts(3)
    uuids = simulation.servers(failed, 2)
    simulation.cloud.faults.add(
        "evacuate", 404, server=uuids[0], message="No such cell."
    )
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    ends = {m.instance_uuid: m for m in simulation.vmoves(notification)}
    assert ends[uuids[0]].status is VMoveStatus.FAILED
    assert "No such cell." in str(ends[uuids[0]].message)


def test_a_late_request_of_another_engine_is_not_repeated() -> None:
    """It is carried out when its successor has looked already."""
    simulation = Simulation(RecoverySettings(window_floor=1, window_ceiling=1))
    failed, *_ = simulation.hosts(3)
    first, second = sorted(simulation.servers(failed, 2))
    notification = simulation.fail(failed)
    simulation.cloud.faults.add("evacuate", "hang", times=1)
    simulation.steps.kill_at = ("after", "evacuate", 1)
    simulation.run(simulation.engine("engine-1"), seconds=3)
    inner = simulation.cloud.on_call
    assert inner is not None
    late: list[str] = []

    def carry_out_late(when: str, call: object) -> None:
        inner(when, call)  # type: ignore[arg-type]
        verb = getattr(call, "verb", "")
        if (when, verb) == ("after", "server") and not late:
            late.append(first)
            with simulation.somebody_else():
                simulation.cloud.compute.evacuate(first)

    simulation.cloud.on_call = carry_out_late
    simulation.run(simulation.engine("engine-2"))
    assert simulation.now(notification).status is FINISHED
    assert late
    records = [r.instance_uuid for r in simulation.cloud.migrations]
    assert sorted(records) == [first, second]


def test_what_somebody_else_evacuates_meanwhile_is_watched() -> None:
    simulation = Simulation(RecoverySettings(window_floor=1, window_ceiling=1))
    failed, *_ = simulation.hosts(3)
    uuids = sorted(simulation.servers(failed, 4))
    notification = simulation.fail(failed)

    def evacuate() -> None:
        with simulation.somebody_else():
            simulation.cloud.compute.evacuate(uuids[-1])

    simulation.clock.at(simulation.clock.elapsed + 1, evacuate)
    assert simulation.recover(notification).status is FINISHED
    records = [r.instance_uuid for r in simulation.cloud.migrations]
    assert sorted(records) == uuids


def test_an_end_that_a_slow_clock_stamped_is_seen() -> None:
    """It is not among Nova's latest changes."""
    timeout = 20
    simulation = Simulation(RecoverySettings(evacuation_timeout=timeout))
    failed, *_ = simulation.hosts(3)
    uuids = simulation.servers(failed, 2)
    notification = simulation.fail(failed)
    inner = simulation.cloud.on_call
    assert inner is not None
    stamped: list[object] = []

    def stamp(when: str, call: object) -> None:
        inner(when, call)  # type: ignore[arg-type]
        for record in simulation.cloud.migrations:
            if record.instance_uuid == uuids[0] and record.status == "done":
                record.updated_at = record.created_at - 120
                stamped.append(record)

    simulation.cloud.on_call = stamp
    simulation.run(simulation.engine(), seconds=60)
    assert simulation.now(notification).status is FINISHED
    assert stamped
    taken = (
        simulation.clock.epoch() - simulation.cloud.migrations[0].created_at
    )
    assert timeout < taken < 60


def test_nothing_is_claimed_once_the_engine_is_told_to_stop(
    simulation: Simulation,
) -> None:
    first, second, *_ = simulation.hosts(4)
    simulation.servers(first, 3)
    simulation.servers(second, 3)
    one, two = simulation.fail(first), simulation.fail(second)
    engine = simulation.engine()
    simulation.clock.at(simulation.clock.elapsed + 3, engine.stopping.set)
    engine.poll()
    assert simulation.now(one).status is FINISHED
    assert simulation.now(two).status is NotificationStatus.NEW


@pytest.mark.slow
def test_a_recovery_leaves_nothing_behind_in_memory(
    simulation: Simulation,
) -> None:
    """TaskFlow describes its tables anew at every access."""
    hosts = simulation.hosts(5)
    engine = simulation.engine()
    counts = []
    for host in hosts[:3]:
        simulation.servers(host, 1)
        simulation.fail(host)
        simulation.run(engine)
        gc.collect()
        found = gc.get_objects()
        counts.append(sum(isinstance(one, MetaData) for one in found))
    assert counts[0] == counts[1] == counts[2]


def test_a_row_that_makes_no_sense_keeps_nobody_waiting(
    simulation: Simulation,
) -> None:
    broken, failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 2)
    rubbish = simulation.notify(broken)
    with simulation.database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE notifications SET type = 'OF_THE_FUTURE' "
            f"WHERE notification_uuid = '{rubbish.uuid}'"
        )
    simulation.cloud.kill(failed.name)
    simulation.clock.pass_time(10)
    notification = simulation.notify(failed)
    engine = simulation.engine()
    for _ in range(20):
        engine.poll()
        simulation.clock.pass_time(2)
    assert simulation.now(notification).status is FINISHED


def test_one_whose_payload_cannot_be_read_ends(simulation: Simulation) -> None:
    """What else fails on the host would wait for it for ever."""
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata={"HA_Enabled": "True"})
    broken = simulation.notify(host)
    with simulation.database.transaction() as connection:
        connection.exec_driver_sql(
            'UPDATE notifications SET payload = \'{"event": "STOP\''
        )
    crash = simulation.notify(
        host,
        {
            "event": "LIFECYCLE",
            "vir_domain_event": "STOPPED_FAILED",
            "instance_uuid": uuid,
        },
        type="VM",
    )
    simulation.run(simulation.engine())
    seen = simulation.now(broken)
    assert seen.status is FAILED
    assert seen.message == "The payload cannot be read."
    assert simulation.now(crash).status is FINISHED
    assert not simulation.evacuated()
