# SPDX-License-Identifier: Apache-2.0
"""An instance fails and is restarted where it is."""

import datetime

import pytest

from masakari.db import tables
from masakari.domain.model import Host, Notification, NotificationStatus
from tests.functional.db import records
from tests.simulation.harness import DOWN_AFTER, Simulation

FINISHED = NotificationStatus.FINISHED
IGNORED = NotificationStatus.IGNORED
FAILED = NotificationStatus.FAILED
TAGGED = {"HA_Enabled": "True"}


def report(
    simulation: Simulation,
    host: Host,
    uuid: str,
    event: str = "LIFECYCLE",
    detail: str = "STOPPED_FAILED",
) -> Notification:
    payload = {
        "event": event,
        "vir_domain_event": detail,
        "instance_uuid": uuid,
    }
    return simulation.notify(host, payload, type="VM")


def state(simulation: Simulation, uuid: str) -> tuple[str, str | None, int]:
    server = simulation.cloud.servers[uuid]
    return server.vm_state, server.task_state, server.power_state


RUNS = ("active", None, 1)


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ("LIFECYCLE", "STOPPED_FAILED"),
        ("IO_ERROR", "IO_ERROR_REPORT"),
        ("QEMU_GUEST_AGENT_ERROR", "STOPPED_FAILED"),
    ],
)
@pytest.mark.parametrize("vm_state", ["active", "stopped", "error", "resized"])
def test_it_runs_again(
    simulation: Simulation, event: str, detail: str, vm_state: str
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED, vm_state=vm_state)
    seen = simulation.recover(report(simulation, host, uuid, event, detail))
    assert seen.status is FINISHED
    assert seen.message is None
    assert state(simulation, uuid) == RUNS
    assert simulation.cloud.servers[uuid].host == host.name
    assert simulation.cloud.counts["stop"] == (vm_state != "stopped")
    assert not simulation.host_now(host).on_maintenance


def test_its_tasks_are_shown(simulation: Simulation) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    notification = simulation.recover(report(simulation, host, uuid))
    tasks = simulation.progress(notification)
    assert [(task.name, task.state, task.progress) for task in tasks] == [
        ("StopInstanceTask", "SUCCESS", 1.0),
        ("StartInstanceTask", "SUCCESS", 1.0),
        ("ConfirmInstanceActiveTask", "SUCCESS", 1.0),
    ]


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ("LIFECYCLE", "STOPPED_SHUTDOWN"),
        ("lifecycle", "STOPPED_FAILED"),
        ("IO_ERROR", "IO_ERROR_PAUSE"),
        ("REBOOT", "UNKNOWN"),
    ],
)
def test_other_events_are_ignored_without_a_call(
    simulation: Simulation, event: str, detail: str
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    seen = simulation.recover(report(simulation, host, uuid, event, detail))
    assert seen.status is IGNORED
    assert detail in str(seen.message)
    assert simulation.cloud.calls == []


def test_one_without_the_metadata_is_left_alone(
    simulation: Simulation,
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1)
    seen = simulation.recover(report(simulation, host, uuid))
    assert seen.status is FINISHED
    assert "HA_Enabled" in str(seen.message)
    assert simulation.cloud.counts == {"server": 1}


@pytest.mark.parametrize("vm_state", ["paused", "rescued"])
def test_one_that_is_paused_or_rescued_is_ignored(
    simulation: Simulation, vm_state: str
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED, vm_state=vm_state)
    seen = simulation.recover(report(simulation, host, uuid))
    assert seen.status is IGNORED
    assert vm_state in str(seen.message)
    assert simulation.cloud.servers[uuid].vm_state == vm_state


def test_one_that_cannot_be_stopped_is_failed_at_once(
    simulation: Simulation,
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(
        host, 1, metadata=TAGGED, vm_state="suspended"
    )
    notification = report(simulation, host, uuid)
    simulation.run(simulation.engine(), seconds=10)
    assert simulation.now(notification).status is NotificationStatus.ERROR
    assert "suspended" in str(simulation.now(notification).message)
    assert simulation.recover(notification).status is FAILED


def test_a_start_that_fails_is_tried_again(simulation: Simulation) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.cloud.faults.add("start", 503, times=2)
    simulation.cloud.faults.add("start", 409, times=1)
    seen = simulation.recover(report(simulation, host, uuid))
    assert seen.status is FINISHED
    assert state(simulation, uuid) == RUNS


def test_one_that_is_gone_is_ignored(simulation: Simulation) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.cloud.delete_server(uuid)
    seen = simulation.recover(report(simulation, host, uuid))
    assert seen.status is IGNORED
    assert uuid in str(seen.message)


@pytest.mark.parametrize("task", ["deleting", "soft-deleting"])
def test_one_that_its_user_deletes_is_ignored(
    simulation: Simulation, task: str
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.cloud.servers[uuid].task_state = task
    seen = simulation.recover(report(simulation, host, uuid))
    assert seen.status is IGNORED
    assert not simulation.cloud.counts["stop"]


def test_instances_of_a_host_do_not_wait_for_one_another(
    simulation: Simulation,
) -> None:
    host, _other = simulation.hosts(2)
    uuids = simulation.servers(host, 3, metadata=TAGGED)
    reports = [report(simulation, host, uuid) for uuid in uuids]
    simulation.cloud.faults.add("stop", 503, server=uuids[0])
    simulation.run(
        simulation.engine("engine-1"),
        simulation.engine("engine-2"),
        seconds=2,
    )
    seen = [simulation.now(notification).status for notification in reports]
    assert seen[1:] == [FINISHED, FINISHED]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("verb", "count"),
    [("server", 1), ("stop", 1), ("server", 3), ("start", 1), ("server", 4)],
)
def test_another_engine_brings_it_up_when_one_is_killed(
    simulation: Simulation, verb: str, count: int, when: str
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    notification = report(simulation, host, uuid)
    simulation.steps.kill_at = (when, verb, count)
    engines = [simulation.engine(name) for name in ("engine-1", "engine-2")]
    simulation.run(*engines)
    assert not engines[0].alive
    assert simulation.now(notification).status is FINISHED
    assert state(simulation, uuid) == RUNS


def test_an_engine_that_stops_leaves_no_instance_stopped(
    simulation: Simulation,
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.cloud.faults.add("start", 503, times=2)
    notification = report(simulation, host, uuid)
    engine = simulation.engine()
    simulation.clock.at(simulation.clock.elapsed + 1, engine.stopping.set)
    engine.poll()
    assert simulation.now(notification).status is FINISHED
    assert state(simulation, uuid) == RUNS


def test_the_failure_of_its_host_goes_first(simulation: Simulation) -> None:
    """What was stopped for a restart runs again on its new host."""
    host, other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    crash = report(simulation, host, uuid)
    later: list[Notification] = []

    def die() -> None:
        simulation.cloud.kill(host.name)
        later.append(simulation.notify(host))

    simulation.cloud.faults.add("start", 503, times=1)
    simulation.clock.at(simulation.clock.elapsed + 1.5, die)
    simulation.run(
        simulation.engine("engine-1"), simulation.engine("engine-2")
    )
    assert simulation.now(later[0]).status is FINISHED
    assert simulation.now(crash).status is IGNORED
    assert state(simulation, uuid) == RUNS
    assert simulation.cloud.servers[uuid].host == other.name


def test_one_that_runs_elsewhere_by_now_is_not_restarted(
    simulation: Simulation,
) -> None:
    host, other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.cloud.kill(host.name)
    simulation.clock.pass_time(DOWN_AFTER + 1)
    crash, death = report(simulation, host, uuid), simulation.notify(host)
    simulation.run(simulation.engine())
    assert simulation.now(death).status is FINISHED
    assert simulation.now(crash).status is IGNORED
    assert other.name in str(simulation.now(crash).message)
    assert simulation.cloud.counts["stop"] == 0


def test_how_right_the_clocks_are_does_not_matter_for_that(
    simulation: Simulation,
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.cloud.kill(host.name)
    simulation.clock.pass_time(DOWN_AFTER + 1)
    crash, _death = report(simulation, host, uuid), simulation.notify(host)
    assert crash.created_at is not None
    records.change(
        simulation.database,
        tables.Notification,
        crash.uuid,
        created_at=crash.created_at + datetime.timedelta(minutes=10),
    )
    simulation.run(simulation.engine())
    assert simulation.now(crash).status is IGNORED
    assert simulation.cloud.counts["stop"] == 0


def test_what_the_former_host_reports_later_is_no_reason_to_restart_it(
    simulation: Simulation,
) -> None:
    """It removes what was evacuated, as soon as it is back."""
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.recover(simulation.fail(host))
    simulation.clock.pass_time(600)
    crash = simulation.recover(report(simulation, host, uuid))
    assert crash.status is IGNORED
    assert simulation.cloud.counts["stop"] == 0


def test_what_its_new_host_reports_is(simulation: Simulation) -> None:
    host, other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.recover(simulation.fail(host))
    crash = simulation.recover(report(simulation, other, uuid))
    assert crash.status is FINISHED
    assert simulation.cloud.counts["stop"] == 1


def test_so_is_what_a_host_reports_that_it_has_come_back_to(
    simulation: Simulation,
) -> None:
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.recover(simulation.fail(host))
    simulation.cloud.revive(host.name)
    simulation.update_host(host, on_maintenance=False)
    simulation.cloud.servers[uuid].host = host.name
    crash = simulation.recover(report(simulation, host, uuid))
    assert crash.status is FINISHED
    assert simulation.cloud.counts["stop"] == 1


def test_a_false_report_of_its_host_does_not_leave_it_stopped(
    simulation: Simulation,
) -> None:
    """It would take minutes to find out that the report is false."""
    host, _other = simulation.hosts(2)
    (uuid,) = simulation.servers(host, 1, metadata=TAGGED)
    simulation.cloud.faults.add("start", 503, times=1)
    report(simulation, host, uuid)
    began = simulation.clock.elapsed
    seen: list[tuple[str, str | None, int]] = []
    simulation.clock.at(began + 1.5, lambda: simulation.notify(host) and None)
    simulation.clock.at(
        began + 20, lambda: seen.append(state(simulation, uuid))
    )
    simulation.run(
        simulation.engine("engine-1"), simulation.engine("engine-2")
    )
    assert seen == [RUNS]
