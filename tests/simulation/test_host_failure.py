# SPDX-License-Identifier: Apache-2.0
"""A compute host dies, and its instances come back."""

import collections

import pytest

from masakari.domain.model import NotificationStatus, VMoveStatus
from masakari.domain.settings import RecoverySettings
from tests.simulation.harness import DOWN_AFTER, Simulation

FINISHED = NotificationStatus.FINISHED
FAILED = NotificationStatus.FAILED


def test_every_instance_comes_back(simulation: Simulation) -> None:
    failed, *others = simulation.hosts(5)
    uuids = simulation.servers(failed, 20)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    names = {host.name for host in others}
    servers = simulation.cloud.servers
    assert all(servers[uuid].host in names for uuid in uuids)
    assert all(servers[uuid].vm_state == "active" for uuid in uuids)


def test_every_move_is_recorded(simulation: Simulation) -> None:
    failed, *_ = simulation.hosts(3)
    uuids = simulation.servers(failed, 7)
    notification = simulation.recover(simulation.fail(failed))
    moves = simulation.vmoves(notification)
    assert sorted(move.instance_uuid for move in moves) == sorted(uuids)
    for move in moves:
        assert move.status is VMoveStatus.SUCCEEDED
        assert move.source_host == failed.name
        assert (
            move.dest_host == simulation.cloud.servers[move.instance_uuid].host
        )
        assert move.start_time is not None
        assert move.end_time is not None
        assert move.start_time <= move.end_time


def test_the_failed_host_is_taken_out_of_service(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 1)
    simulation.recover(simulation.fail(failed))
    assert simulation.host_now(failed).on_maintenance
    record = simulation.cloud.hosts[failed.name]
    assert not record.enabled
    assert record.disabled_reason == "Masakari detected host failed."


def test_recovery_begins_as_soon_as_nova_calls_the_host_down(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 4)
    killed_at = simulation.clock.elapsed
    simulation.recover(simulation.fail(failed, seen=False))
    first = simulation.cloud.migrations[0].created_at
    assert first - killed_at - simulation.clock.start < DOWN_AFTER + 1


def test_nothing_is_evacuated_from_a_host_that_stays_up(
    simulation: Simulation,
) -> None:
    host, *_ = simulation.hosts(3)
    simulation.servers(host, 2)
    notification = simulation.recover(simulation.notify(host))
    assert notification.status is FAILED
    assert "not known to be down after 180 seconds" in str(
        notification.message
    )
    assert simulation.evacuated() == []


def test_force_down_does_not_wait_for_nova() -> None:
    simulation = Simulation(
        RecoverySettings(force_down=True),
        service_down_time=60.0,
    )
    failed, *_ = simulation.hosts(3)
    simulation.servers(failed, 2)
    simulation.cloud.kill(failed.name)
    notification = simulation.notify(failed)
    simulation.run(simulation.engine(), seconds=10)
    assert simulation.now(notification).status is FINISHED


@pytest.mark.parametrize("evacuates_stopped", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"vm_state": "active"}, ("active", 1)),
        ({"vm_state": "active", "task_state": "rebooting"}, ("active", 1)),
        ({"vm_state": "stopped"}, ("stopped", 4)),
        (
            {"vm_state": "stopped", "task_state": "powering-on"},
            ("stopped", 4),
        ),
        ({"vm_state": "error"}, ("error", 4)),
        ({"vm_state": "error", "task_state": "spawning"}, ("error", 4)),
        ({"vm_state": "resized", "power_state": 1}, ("active", 1)),
        ({"vm_state": "resized", "power_state": 4}, ("stopped", 4)),
        ({"vm_state": "paused"}, ("stopped", 4)),
        ({"vm_state": "suspended"}, ("stopped", 4)),
        ({"vm_state": "rescued"}, ("stopped", 4)),
        ({"vm_state": "active", "locked": True}, ("active", 1)),
    ],
)
def test_an_instance_ends_in_the_state_it_is_meant_to_have(
    simulation: Simulation,
    before: dict[str, object],
    after: tuple[str, int],
    evacuates_stopped: bool,
) -> None:
    failed, *_ = simulation.hosts(3)
    (uuid,) = simulation.servers(failed, 1, **before)
    notification = simulation.fail(failed)
    simulation.run(simulation.engine(evacuates_stopped=evacuates_stopped))
    assert simulation.now(notification).status is FINISHED
    server = simulation.cloud.servers[uuid]
    assert (server.vm_state, server.power_state) == after
    assert server.task_state is None
    assert server.host != failed.name
    assert server.locked == before.get("locked", False)


def test_ha_enabled_instances_come_first_then_higher_priorities() -> None:
    simulation = Simulation(RecoverySettings(window_floor=1, window_ceiling=1))
    failed, *_ = simulation.hosts(3)
    (plain,) = simulation.servers(failed, 1)
    (early,) = simulation.servers(failed, 1, metadata={"HA_Priority": "7"})
    (tagged,) = simulation.servers(failed, 1, metadata={"HA_Enabled": "true"})
    (first,) = simulation.servers(
        failed, 1, metadata={"HA_Enabled": "True", "HA_Priority": "1"}
    )
    simulation.recover(simulation.fail(failed))
    assert simulation.evacuated() == [first, tagged, early, plain]


def test_only_ha_enabled_instances_are_moved_where_configured() -> None:
    simulation = Simulation(RecoverySettings(evacuate_all_instances=False))
    failed, *_ = simulation.hosts(3)
    (plain,) = simulation.servers(failed, 1)
    (tagged,) = simulation.servers(failed, 1, metadata={"HA_Enabled": "yes"})
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert simulation.evacuated() == [tagged]
    ends = {m.instance_uuid: m for m in simulation.vmoves(notification)}
    assert ends[plain].status is VMoveStatus.IGNORED
    assert "HA_Enabled" in str(ends[plain].message)


def test_a_host_without_instances_is_finished_at_once(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(2)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert "nothing to evacuate" in str(notification.message)
    assert simulation.host_now(failed).on_maintenance


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"event": "STOPPED"}, NotificationStatus.IGNORED),
        (
            {"event": "STOPPED", "host_status": "UNKNOWN"},
            NotificationStatus.IGNORED,
        ),
        ({"event": "STARTED", "host_status": "NORMAL"}, FINISHED),
    ],
)
def test_what_is_no_failure_changes_nothing(
    simulation: Simulation,
    payload: dict[str, str],
    status: NotificationStatus,
) -> None:
    host, *_ = simulation.hosts(2)
    notification = simulation.recover(simulation.notify(host, payload))
    assert notification.status is status
    assert notification.message
    assert not simulation.host_now(host).on_maintenance
    assert simulation.cloud.calls == []


def test_a_disabled_segment_is_left_alone(simulation: Simulation) -> None:
    failed, *_ = simulation.hosts(2, enabled=False)
    simulation.servers(failed, 1)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is NotificationStatus.IGNORED
    assert (
        notification.message == "Recovery aboart: the segment HA is disabled."
    )
    assert simulation.cloud.calls == []


def test_a_hypervisor_of_another_name_is_no_success() -> None:
    """The service's host tells where a server is, not the hypervisor's."""
    simulation = Simulation(
        RecoverySettings(evacuate_to_stopped_at_last=False)
    )
    failed, *_ = simulation.hosts(2)
    simulation.cloud.add_host("far", hypervisor="far.example.org", slots=0)
    (uuid,) = simulation.servers(failed, 1)
    simulation.cloud.faults.add("rebuild", "fail")
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    assert simulation.cloud.servers[uuid].host == failed.name
    assert all(
        move.status is VMoveStatus.FAILED
        for move in simulation.vmoves(notification)
    )


def test_cost_is_at_most_two_and_a_half_calls_an_instance(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(5)
    simulation.servers(failed, 100)
    notification = simulation.fail(failed, seen=False)
    assert simulation.recover(notification).status is FINISHED
    assert sum(simulation.cloud.counts.values()) <= 250


def test_never_more_in_flight_than_the_ceiling() -> None:
    simulation = Simulation(
        RecoverySettings(window_ceiling=8),
        max_concurrent_rebuilds=50,
    )
    failed, *_ = simulation.hosts(5)
    simulation.servers(failed, 60)
    simulation.recover(simulation.fail(failed))
    assert simulation.most_in_flight == 8


def test_the_window_opens_while_nova_keeps_up() -> None:
    simulation = Simulation(max_concurrent_rebuilds=100)
    failed, *_ = simulation.hosts(5)
    simulation.servers(failed, 100)
    simulation.recover(simulation.fail(failed))
    assert simulation.most_in_flight > 32


@pytest.mark.slow
def test_progress_is_shown_and_stays_small(simulation: Simulation) -> None:
    failed, *_ = simulation.hosts(5)
    simulation.servers(failed, 300)
    notification = simulation.recover(simulation.fail(failed))
    tasks = simulation.progress(notification)
    assert [task.name for task in tasks] == [
        "DisableComputeServiceTask",
        "PrepareHAEnabledInstancesTask",
        "EvacuateInstancesTask",
    ]
    for task in tasks:
        assert task.state == "SUCCESS"
        assert task.progress == 1.0
        assert len(repr(task)) < 32 * 1024


def test_an_instance_deleted_meanwhile_is_ignored(
    simulation: Simulation,
) -> None:
    failed, *_ = simulation.hosts(3)
    gone, kept = simulation.servers(failed, 2)
    notification = simulation.fail(failed)
    simulation.clock.at(
        simulation.clock.elapsed + 1,
        lambda: simulation.cloud.delete_server(gone),
    )
    assert simulation.recover(notification).status is FINISHED
    ends = {
        move.instance_uuid: move.status
        for move in simulation.vmoves(notification)
    }
    assert ends == {
        gone: VMoveStatus.IGNORED,
        kept: VMoveStatus.SUCCEEDED,
    }


def test_several_hosts_share_the_ceiling() -> None:
    simulation = Simulation(RecoverySettings(window_ceiling=6))
    first, second, *_ = simulation.hosts(6)
    simulation.servers(first, 10)
    simulation.servers(second, 10)
    one, two = simulation.fail(first), simulation.fail(second)
    simulation.run(
        simulation.engine("engine-1"), simulation.engine("engine-2")
    )
    statuses = collections.Counter(
        simulation.now(n).status for n in (one, two)
    )
    assert statuses == {FINISHED: 2}
