# SPDX-License-Identifier: Apache-2.0
"""nova-compute stops on a host, and starts again."""

import logging
from collections.abc import Callable

import pytest

from masakari import exception
from masakari.db import hosts, outages
from masakari.domain.model import (
    Host,
    Notification,
    NotificationStatus,
    NotificationType,
)
from masakari.engine.housekeeping import INTERVAL
from tests.simulation import harness
from tests.simulation.harness import STOPPED, Simulation
from tests.unit.events.recorder import Recorder

FINISHED = NotificationStatus.FINISHED
FAILED = NotificationStatus.FAILED
REASON = "Masakari detected process failed."


def report(
    simulation: Simulation,
    host: Host,
    event: str = "STOPPED",
    process: str = "nova-compute",
) -> Notification:
    payload = {"event": event, "process_name": process}
    return simulation.notify(host, payload, type="PROCESS")


def service(simulation: Simulation, host: Host) -> tuple[bool, str | None]:
    record = simulation.cloud.hosts[host.name]
    return record.enabled, record.disabled_reason


def test_its_host_is_taken_out_of_service(simulation: Simulation) -> None:
    host, *_ = simulation.hosts(2)
    simulation.servers(host, 2)
    notification = simulation.recover(report(simulation, host))
    assert notification.status is FINISHED
    assert service(simulation, host) == (False, REASON)
    assert simulation.host_now(host).on_maintenance
    assert simulation.evacuated() == []
    assert [
        (task.name, task.state) for task in simulation.progress(notification)
    ] == [
        ("DisableComputeNodeTask", "SUCCESS"),
        ("ConfirmComputeNodeDisabledTask", "SUCCESS"),
    ]


def test_nobody_waits_for_the_answer_of_the_dead_process(
    simulation: Simulation,
) -> None:
    """Nova does, for a minute, while it counts the service as up."""
    host, *_ = simulation.hosts(2)
    simulation.cloud.freeze(host.name)
    notification = report(simulation, host)
    simulation.run(simulation.engine(), seconds=4)
    assert simulation.now(notification).status is FINISHED


def test_nova_is_away_for_a_while(simulation: Simulation) -> None:
    host, *_ = simulation.hosts(2)
    simulation.cloud.faults.add("disable_service", 503, times=3)
    notification = simulation.recover(report(simulation, host))
    assert notification.status is FINISHED
    assert service(simulation, host) == (False, REASON)


@pytest.mark.parametrize("process", ["libvirtd", "masakari-hostmonitor"])
def test_another_process_changes_nothing(
    simulation: Simulation, process: str
) -> None:
    host, *_ = simulation.hosts(2)
    seen = simulation.recover(report(simulation, host, process=process))
    assert seen.status is FINISHED
    assert process in str(seen.message)
    assert not simulation.host_now(host).on_maintenance
    assert simulation.cloud.calls == []


def test_its_start_undoes_what_its_stop_did(simulation: Simulation) -> None:
    host, *_ = simulation.hosts(2)
    simulation.recover(report(simulation, host))
    seen = simulation.recover(report(simulation, host, "STARTED"))
    assert seen.status is FINISHED
    assert service(simulation, host) == (True, None)
    assert not simulation.host_now(host).on_maintenance


def test_the_start_of_another_process_undoes_nothing(
    simulation: Simulation,
) -> None:
    host, *_ = simulation.hosts(2)
    simulation.recover(report(simulation, host))
    simulation.recover(report(simulation, host, "STARTED", "libvirtd"))
    assert simulation.host_now(host).on_maintenance
    assert service(simulation, host) == (False, REASON)


def test_what_an_operator_has_disabled_stays_so(
    simulation: Simulation,
) -> None:
    host, *_ = simulation.hosts(2)
    record = simulation.cloud.hosts[host.name]
    record.enabled, record.disabled_reason = False, "new disk"
    simulation.recover(report(simulation, host))
    simulation.recover(report(simulation, host, "STARTED"))
    assert service(simulation, host) == (False, "new disk")
    assert not simulation.host_now(host).on_maintenance


def test_a_start_without_a_stop_undoes_nothing(
    simulation: Simulation,
) -> None:
    host, *_ = simulation.hosts(2)
    simulation.database.write(hosts.update, host.uuid, on_maintenance=True)
    seen = simulation.recover(report(simulation, host, "STARTED"))
    assert seen.status is FINISHED
    assert simulation.host_now(host).on_maintenance
    assert simulation.cloud.calls == []


def test_a_stop_that_was_followed_by_a_start_is_over(
    simulation: Simulation,
) -> None:
    """Also when it had failed and its retry comes after the start."""
    host, *_ = simulation.hosts(2)
    fault = simulation.cloud.faults.add("disable_service", 403)
    stop = report(simulation, host)
    engine = simulation.engine()
    simulation.run(engine, seconds=2)
    assert simulation.now(stop).status is NotificationStatus.ERROR
    simulation.cloud.faults.remove(fault)
    start = report(simulation, host, "STARTED")
    simulation.run(engine)
    assert simulation.now(start).status is FINISHED
    assert simulation.now(stop).status is FINISHED
    assert "started since" in str(simulation.now(stop).message)
    assert service(simulation, host) == (True, None)
    assert not simulation.host_now(host).on_maintenance


def test_its_host_can_still_fail(simulation: Simulation) -> None:
    host, *_ = simulation.hosts(3)
    uuids = simulation.servers(host, 3)
    simulation.recover(report(simulation, host))
    simulation.cloud.kill(host.name)
    death = simulation.report(
        host.name, NotificationType.COMPUTE_HOST, STOPPED
    )
    assert simulation.recover(death).status is FINISHED
    assert sorted(simulation.evacuated()) == sorted(uuids)
    # From now on it is on maintenance because it is dead.
    assert simulation.database.read(outages.of_host, host.uuid) is None
    with pytest.raises(exception.HostOnMaintenance):
        simulation.report(
            host.name,
            NotificationType.PROCESS,
            {"event": "STARTED", "process_name": "nova-compute"},
        )


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What housekeeping has logged."""
    caplog.set_level(logging.INFO)
    return lambda: [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if record.name.endswith(".housekeeping")
    ]


def keep_house(simulation: Simulation, seconds: float) -> None:
    """An engine does so for a while."""
    engine = simulation.engine()
    for _ in range(int(seconds / INTERVAL) + 1):
        engine.keep_house()
        simulation.clock.pass_time(INTERVAL)


def test_a_host_that_is_put_back_is_told_once(
    simulation: Simulation,
    monkeypatch: pytest.MonkeyPatch,
    told: Callable[[], list[str]],
) -> None:
    host, *_ = simulation.hosts(2)
    simulation.recover(report(simulation, host))
    recorder = Recorder()
    monkeypatch.setattr(harness, "Silent", lambda: recorder)
    keep_house(simulation, 600)
    assert service(simulation, host) == (True, None)
    assert recorder.types == ["host.update.start", "host.update.end"]
    assert {event.data["on_maintenance"] for event in recorder.events} == {
        False
    }
    (line,) = told()
    assert line.startswith(f"INFO Host {host.name} is back in service: ")
    assert "for 120 seconds since process nova-compute" in line


@pytest.mark.slow
def test_what_is_in_the_way_for_an_hour_is_told_once(
    simulation: Simulation, told: Callable[[], list[str]]
) -> None:
    host, *_ = simulation.hosts(2)
    simulation.recover(report(simulation, host))
    simulation.cloud.faults.add("enable_service", 403, message="Not yours.")
    fault = simulation.cloud.faults.add("compute_services", 503)
    keep_house(simulation, 3600)
    assert told() == []
    simulation.cloud.faults.remove(fault)
    keep_house(simulation, 3600)
    (refused,) = told()
    assert refused.startswith(f"WARNING Host {host.name} is not put back")
    assert "Not yours." in refused


def test_where_no_host_waits_nothing_is_asked(simulation: Simulation) -> None:
    simulation.hosts(2)
    keep_house(simulation, 600)
    assert simulation.cloud.calls == []


def test_one_list_is_enough_for_all(simulation: Simulation) -> None:
    for host in simulation.hosts(5):
        simulation.recover(report(simulation, host))
    simulation.cloud.counts.clear()
    keep_house(simulation, 60)
    assert dict(simulation.cloud.counts) == {"compute_services": 5}
