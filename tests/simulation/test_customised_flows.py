# SPDX-License-Identifier: Apache-2.0
"""Tasks of third parties among ours: what their failures lead to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from masakari import exception
from masakari.domain.model import NotificationStatus, VMoveStatus
from masakari.engine import plugins, workflows
from masakari.engine.drivers.taskflow import base, no_op
from tests.simulation.harness import Simulation
from tests.simulation.outcome import Outcome
from tests.simulation.test_reserved_hosts import last, placed, reserve
from tests.simulation.test_strict import written

FINISHED = NotificationStatus.FINISHED
FAILED = NotificationStatus.FAILED

AUTO = "host_auto_failure_recovery_tasks"
RESERVED = "host_rh_failure_recovery_tasks"

#: Puts a task into a phase of a flow: the option, the phase, where, and it.
Insert = Callable[[str, str, int, type[base.MasakariTask]], None]


class Crash(base.MasakariTask):
    def execute(self):
        raise ZeroDivisionError("a secret of the engine's machine")


class CrashOnFirst(base.MasakariTask):
    def execute(self, reserved_host, reserved_host_list):
        if reserved_host == reserved_host_list[0]:
            raise ZeroDivisionError


class Skip(base.MasakariTask):
    def execute(self, host_name):
        raise exception.SkipHostRecoveryException(f"{host_name} is spared.")


class GiveWhatIsNoJson(base.MasakariTask):
    def execute(self, host_name):
        return self.novaclient.get_servers(self.context, host_name)


class Unlock(base.MasakariTask):
    def execute(self, host_name):
        for server in self.novaclient.get_servers(self.context, host_name):
            self.novaclient.unlock_server(self.context, server.id)


@pytest.fixture
def insert(monkeypatch: pytest.MonkeyPatch) -> Insert:
    def call(option, phase, place, task):
        load = workflows.load

        def changed(conf):
            loaded = load(conf)
            recipe = plugins.Recipe(task.__name__, task)
            loaded[option].tasks[phase].insert(place, recipe)
            return loaded

        monkeypatch.setattr(workflows, "load", changed)

    return call


@pytest.mark.parametrize("phase", ["pre", "main", "post"])
def test_the_other_way_is_tried_whatever_happened_on_the_first(
    simulation: Simulation, insert: Insert, phase: str
) -> None:
    insert(AUTO, phase, 0, Crash)
    failed, spare = simulation.hosts(2, method="auto_priority")
    reserve(simulation, spare, slots=50)
    uuids = simulation.servers(failed, 3)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert placed(simulation, uuids) == {spare.name: 3}
    assert last(simulation, notification) == {VMoveStatus.SUCCEEDED}


def test_the_next_reserved_host_is_tried_whatever_happened_to_the_first(
    simulation: Simulation, insert: Insert
) -> None:
    insert(RESERVED, "main", 1, CrashOnFirst)
    failed, one, two = simulation.hosts(3, method="reserved_host")
    for host in (one, two):
        reserve(simulation, host, slots=50)
    uuids = simulation.servers(failed, 3)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert placed(simulation, uuids) == {one.name: 3}
    assert simulation.host_now(two).reserved


def test_instances_stay_where_they_are_when_a_later_task_fails(
    simulation: Simulation, insert: Insert
) -> None:
    insert(AUTO, "post", 1, Crash)
    failed, other = simulation.hosts(2)
    uuids = simulation.servers(failed, 3)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    assert placed(simulation, uuids) == {other.name: 3}
    assert last(simulation, notification) == {VMoveStatus.SUCCEEDED}
    assert len(simulation.evacuated()) == 3
    message = notification.message or ""
    assert "Unexpected ZeroDivisionError" in message
    assert "req-simulated" in message
    assert "secret" not in message


def test_instances_of_a_skipped_recovery_are_left_alone(
    simulation: Simulation, insert: Insert
) -> None:
    insert(AUTO, "post", 0, Skip)
    failed, spare = simulation.hosts(2, method="auto_priority")
    reserve(simulation, spare, slots=50)
    uuids = simulation.servers(failed, 3)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert notification.message == f"{failed.name} is spared."
    assert placed(simulation, uuids) == {failed.name: 3}
    moves = simulation.vmoves(notification)
    assert {move.status for move in moves} == {VMoveStatus.IGNORED}
    assert {move.message for move in moves} == {notification.message}


def test_a_task_may_be_there_several_times(
    simulation: Simulation, insert: Insert
) -> None:
    insert(AUTO, "pre", 0, no_op.Noop)
    insert(AUTO, "pre", 0, no_op.Noop)
    insert(AUTO, "post", 1, no_op.Noop)
    failed, _other = simulation.hosts(2)
    simulation.servers(failed, 1)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert [task.name for task in simulation.progress(notification)] == [
        "Noop",
        "Noop-2",
        "DisableComputeServiceTask",
        "PrepareHAEnabledInstancesTask",
        "EvacuateInstancesTask",
        "Noop-3",
    ]


def test_what_is_planned_and_never_evacuated_is_a_failure(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = workflows.load

    def without_evacuation(conf):
        loaded = load(conf)
        loaded[AUTO].tasks["post"].clear()
        return loaded

    monkeypatch.setattr(workflows, "load", without_evacuation)
    failed, _other = simulation.hosts(2)
    simulation.servers(failed, 2)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    assert "2 of 2 instances were not recovered" in notification.message
    assert last(simulation, notification) == {VMoveStatus.FAILED}
    assert all(
        "no task of it is made for that" in (move.message or "")
        for move in simulation.vmoves(notification)
    )


def test_a_result_that_cannot_be_recorded_keeps_nobody_from_recovery(
    simulation: Simulation, insert: Insert
) -> None:
    insert(AUTO, "pre", 0, GiveWhatIsNoJson)
    host, *_ = simulation.hosts(2)
    simulation.servers(host, 2)
    notification = simulation.fail(host)
    simulation.run(simulation.engine(), seconds=60)
    assert simulation.now(notification).status == FINISHED
    assert len(simulation.evacuated()) == 2


def test_a_task_of_an_engine_that_was_frozen_changes_nothing(
    insert: Insert, tmp_path: Path
) -> None:
    insert(AUTO, "post", 1, Unlock)
    scenario = written(
        tmp_path,
        cloud="{hosts: {failed: {}, other: {}}, engines: 2, "
        "servers: {web: {host: failed}, old: {host: failed, state: error}}, "
        "settings: {ignore_instances_in_error_state: true}}",
        events="[{at: 0, kill: failed}, "
        "{at: 0, freeze_engine: [before, unlock, 1, 40]}, "
        "{at: 7, report: COMPUTE_HOST, host: failed}]",
        expect="{notifications: {it: {status: finished}}, "
        "moves: {web: succeeded, old: ignored}, calls: {unlock: 1}}",
    )
    scenario.play()
    Outcome(scenario).check()
