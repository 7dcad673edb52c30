# SPDX-License-Identifier: Apache-2.0
"""API and engines as real processes: what operators see and count on."""

import collections
import datetime
import signal
import time
from concurrent import futures

import pytest
import requests

from tests.integration import servers
from tests.integration.deployment import wait_for
from tests.integration.reports import ended, moment_now, report
from tests.ports import free_port

pytestmark = pytest.mark.integration


on_both = pytest.mark.parametrize(
    "server", sorted(servers.URLS), indirect=True
)


def assert_all_is_back(cloud):
    """Everything runs elsewhere, and nothing was moved twice."""
    assert {server.host for server in cloud.servers.values()} == {
        "compute-2",
        "compute-3",
    }
    assert {server.vm_state for server in cloud.servers.values()} == {"active"}
    moves = collections.Counter(m.instance_uuid for m in cloud.migrations)
    assert moves == collections.Counter(cloud.servers.keys())


def started(cloud, count):
    """Wait until Nova has taken so many evacuations."""
    wait_for(lambda: len(cloud.migrations) >= count)


@on_both
def test_a_host_dies_and_its_instances_come_back(deploy):
    deployed = deploy(sync=False)
    deployed.sync()
    deployed.start_api()
    engine = deployed.start_engine()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=20)
    deployed.cloud.kill("compute-1")
    uuid = report(ha)
    found = ended(ha, uuid)
    assert found.status == "finished"
    assert_all_is_back(deployed.cloud)
    moves = list(ha.vmoves(uuid))
    assert {move.status for move in moves} == {"succeeded"}
    assert {move.server_id: move.dest_host for move in moves} == {
        server.uuid: server.host for server in deployed.cloud.servers.values()
    }
    details = {task.name: task for task in found.recovery_workflow_details}
    assert list(details) == [
        "DisableComputeServiceTask",
        "PrepareHAEnabledInstancesTask",
        "EvacuateInstancesTask",
    ]
    assert {task.progress for task in details.values()} == {1.0}
    old = deployed.connect("1.0").instance_ha.get_notification(uuid)
    assert old.recovery_workflow_details is None
    assert_the_log_tells_the_story(engine, uuid)


def assert_the_log_tells_the_story(engine, uuid):
    story = [line for line in engine.lines("INFO") if uuid in line]
    assert 5 <= len(story) < 10, engine.text
    assert "Working on notification" in story[0]
    assert "host compute-1 is down" in story[1]
    assert "to be evacuated: 20" in story[2]
    assert "Evacuated: 20" in story[-2]
    assert "is finished" in story[-1]
    assert len({line.split("req-")[1][:36] for line in story}) == 1
    assert not engine.lines("WARNING") + engine.lines("ERROR")


def in_turn(engines):
    """The engine that works, and the other one."""
    return sorted(engines, key=lambda e: "Working on" not in e.text)


@on_both
def test_what_a_killed_engine_began_another_one_finishes(deploy):
    deployed = deploy()
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=30)
    deployed.cloud.kill("compute-1")
    engines = [deployed.start_engine(name) for name in ("one", "two")]
    uuid = report(ha)
    started(deployed.cloud, 5)
    first, second = in_turn(engines)
    first.kill()
    killed = time.monotonic()
    second.says(f"Working on notification {uuid}")
    taken_over = time.monotonic() - killed
    lease, poll = 4, 0.5
    assert taken_over < lease + poll + 2
    assert ended(ha, uuid).status == "finished"
    assert_all_is_back(deployed.cloud)
    assert len(list(ha.vmoves(uuid))) == 30


def test_an_engine_that_is_told_to_stop_hands_over(deploy):
    deployed = deploy(host_failure_recovery_ceiling=4)
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=20)
    deployed.cloud.kill("compute-1")
    engines = [deployed.start_engine(name) for name in ("one", "two")]
    uuid = report(ha)
    started(deployed.cloud, 5)
    first, second = in_turn(engines)
    assert first.stop(timeout=20) == 0
    assert f"{uuid} is handed over" in first.text
    second.says(f"Working on notification {uuid}", timeout=4)
    assert ended(ha, uuid).status == "finished"
    assert_all_is_back(deployed.cloud)
    assert second.stop(timeout=3) == 0


def test_nova_that_does_not_answer_does_not_hold_up_the_end(deploy):
    deployed = deploy(graceful_shutdown_timeout=2)
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=2)
    deployed.cloud.kill("compute-1")
    deployed.cloud.faults.add("evacuate", "hang")
    engine = deployed.start_engine()
    report(ha)
    wait_for(lambda: deployed.cloud.counts["evacuate"])
    assert engine.stop(timeout=5) == 0


def test_without_a_broker_nothing_waits_for_it(deploy):
    nobody = f"rabbit://guest:guest@127.0.0.1:{free_port()}/"
    deployed = deploy(transport_url=nobody)
    deployed.start_api()
    engine = deployed.start_engine()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=3)
    deployed.cloud.kill("compute-1")
    began = time.monotonic()
    uuid = report(ha)
    assert time.monotonic() - began < 1
    assert ended(ha, uuid).status == "finished"
    assert_all_is_back(deployed.cloud)
    assert engine.stop(timeout=3) == 0


def test_of_eight_reports_of_one_event_one_is_taken(deploy):
    deployed = deploy()
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=0)
    token = deployed.connect().auth_token
    moment = datetime.datetime.now(datetime.UTC).isoformat()
    body = {
        "notification": {
            "type": "COMPUTE_HOST",
            "hostname": "compute-1",
            "generated_time": moment,
            "payload": {
                "event": "STOPPED",
                "cluster_status": "OFFLINE",
                "host_status": "NORMAL",
            },
        }
    }

    def monitor(_):
        return requests.post(
            f"{deployed.api_url}/v1/notifications",
            json=body,
            headers={"X-Auth-Token": token},
            timeout=30,
        ).status_code

    with futures.ThreadPoolExecutor(8) as monitors:
        answers = list(monitors.map(monitor, range(8)))
    assert sorted(answers) == [202] + [409] * 7
    assert len(list(ha.notifications())) == 1


def test_an_engine_waits_for_the_database(deploy, cut_off):
    deployed = deploy()
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=3)
    deployed.cloud.kill("compute-1")
    uuid = report(ha)
    deployed.change(database__connection=cut_off.url)
    engine = deployed.begin("masakari-engine", "engine")
    engine.says("The engine waits for the database")
    wait_for(lambda: engine.lines("WARNING"))
    cut_off.join()
    engine.says("The engine has started")
    assert ended(ha, uuid).status == "finished"
    assert not engine.tracebacks
    assert engine.stop(timeout=3) == 0


def test_an_engine_that_waits_for_the_database_can_be_stopped(deploy, cut_off):
    deployed = deploy(sync=False, database__connection=cut_off.url)
    engine = deployed.begin("masakari-engine", "engine")
    engine.says("The engine waits for the database")
    assert engine.stop(timeout=3) == -signal.SIGTERM


def test_the_database_goes_away_in_mid_recovery(deploy, cut_off):
    deployed = deploy()
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=30)
    deployed.cloud.kill("compute-1")
    cut_off.join()
    deployed.change(database__connection=cut_off.url)
    engine = deployed.start_engine()
    uuid = report(ha)
    started(deployed.cloud, 5)
    cut_off.cut()
    engine.says("Stopped working on notification")
    cut_off.join()
    assert ended(ha, uuid).status == "finished"
    assert_all_is_back(deployed.cloud)
    assert not engine.tracebacks
    assert engine.stop(timeout=3) == 0


def test_a_short_outage_of_the_database_is_bridged(deploy, cut_off):
    deployed = deploy(notification_lease=30)
    deployed.start_api()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=30)
    deployed.cloud.kill("compute-1")
    cut_off.join()
    deployed.change(database__connection=cut_off.url)
    engine = deployed.start_engine()
    uuid = report(ha)
    started(deployed.cloud, 5)
    cut_off.cut()
    wait_for(lambda: engine.lines("WARNING"))
    cut_off.join()
    assert ended(ha, uuid).status == "finished"
    assert_all_is_back(deployed.cloud)
    assert engine.text.count("Working on notification") == 1


@on_both
def test_a_host_is_back_when_nova_compute_is(deploy):
    """Only its stop is reported, as masakari-monitors does."""
    deployed = deploy(process_failure__service_up_interval=1)
    deployed.start_api()
    engines = [deployed.start_engine(f"engine-{n}") for n in (1, 2)]
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=1)
    cloud = deployed.cloud
    cloud.stop_compute("compute-1")
    stop = ha.create_notification(
        type="PROCESS",
        hostname="compute-1",
        generated_time=moment_now(),
        payload={"event": "STOPPED", "process_name": "nova-compute"},
    )
    assert ended(ha, stop.notification_uuid).status == "finished"
    assert not cloud.hosts["compute-1"].enabled
    cloud.start_compute("compute-1")
    (segment,) = ha.segments()
    wait_for(lambda: not list(ha.hosts(segment.uuid, on_maintenance=True)))
    record = cloud.hosts["compute-1"]
    assert (record.enabled, record.disabled_reason) == (True, None)
    assert cloud.counts["enable_service"] == 1

    def told():
        return [
            line
            for engine in engines
            for line in engine.lines("INFO")
            if "Host compute-1 is back in service" in line
        ]

    assert len(wait_for(told)) == 1
