# SPDX-License-Identifier: Apache-2.0
"""The ``openstack`` command of python-masakariclient on the demo's cloud."""

import datetime
import json
import os
import subprocess
import sys
import time

import pytest

from masakari.cmd.demo.stack import Stack, configure
from masakari.simulator.cloud import Cloud

pytestmark = pytest.mark.slow

pytest.importorskip("masakariclient.plugin")
pytest.importorskip("openstackclient.shell")

PATIENCE = 120

#: Runs commands as ``openstack`` would, a JSON list in each line; they are
#: run in one process because it takes so long to start.
DRIVER = """
import contextlib, io, json, sys
from openstackclient import shell

for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = shell.OpenStackShell().run(json.loads(line))
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    cloud = Cloud(
        time.time,
        service_down_time=0.5,
        report_interval=0.1,
        evacuation_seconds=0.1,
        rpc_timeout=1.0,
    )
    for name in ("c1", "c2", "c3"):
        cloud.add_host(name)
    cloud.create_server("one", "c1")
    running = Stack(cloud, configure(tmp_path_factory.mktemp("stack")))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def openstack(stack):
    """Runs commands; answers what each printed, decoded where JSON."""
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        env=os.environ | dict(stack.environment()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(command):
        print(json.dumps(command.split("|")), file=driver.stdin, flush=True)
        code, out, err = json.loads(driver.stdout.readline())
        assert code == 0, (command, err)
        return json.loads(out) if command.endswith("|json") else out

    yield lambda *commands: [run(command) for command in commands]
    driver.stdin.close()
    driver.stdout.close()
    driver.wait(PATIENCE)


def test_segments_and_hosts(openstack):
    made, changed, host, listed, update, shown, left, segments = openstack(
        "segment|create|spare|auto|compute|--description|d|-f|json",
        "segment|update|spare|--description|changed|-f|json",
        "segment|host|create|c3|COMPUTE|SSH|spare|-f|json",
        "segment|host|list|spare|-f|json",
        "segment|host|update|spare|c3|--on_maintenance|True|-f|json",
        "segment|host|show|spare|c3|-f|json",
        "segment|show|spare|-f|json",
        "segment|list|-f|json",
    )
    assert made["description"] == "d"
    assert changed["description"] == left["description"] == "changed"
    assert host["failover_segment_id"] == made["uuid"] == left["uuid"]
    assert [one["name"] for one in listed] == ["c3"]
    assert update["on_maintenance"] is shown["on_maintenance"] is True
    assert "spare" in [one["name"] for one in segments]
    gone, deleted, segments = openstack(
        "segment|host|delete|spare|c3",
        "segment|delete|spare",
        "segment|list|-f|json",
    )
    assert "c3" in gone
    assert "spare" in deleted
    assert "spare" not in [one["name"] for one in segments]


def finished(openstack, uuid):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        (found,) = openstack(f"notification|show|{uuid}|-f|json")
        if found["status"] not in ("new", "running"):
            return found
    raise AssertionError("The notification has not ended.")


def test_a_failure_and_its_moves(openstack, stack):
    openstack(
        "segment|create|demo|auto|compute",
        "segment|host|create|c1|COMPUTE|SSH|demo",
        "segment|host|create|c2|COMPUTE|SSH|demo",
    )
    stack.cloud.kill("c1")
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    payload = {
        "event": "STOPPED",
        "cluster_status": "OFFLINE",
        "host_status": "NORMAL",
    }
    (made,) = openstack(
        f"notification|create|COMPUTE_HOST|c1|{now.isoformat()}|"
        f"{json.dumps(payload)}|-f|json"
    )
    uuid = made["notification_uuid"]
    ended = finished(openstack, uuid)
    assert ended["status"] == "finished"
    assert [task["name"] for task in ended["recovery_workflow_details"]] == [
        "DisableComputeServiceTask",
        "PrepareHAEnabledInstancesTask",
        "EvacuateInstancesTask",
    ]
    listed, moves = openstack(
        "notification|list|-f|json", f"notification|vmove|list|{uuid}|-f|json"
    )
    assert [one["notification_uuid"] for one in listed] == [uuid]
    ((server, move),) = zip(stack.cloud.servers.values(), moves, strict=True)
    assert move["server_id"] == server.uuid
    assert move["dest_host"] == server.host != "c1"
    (shown,) = openstack(
        f"notification|vmove|show|{uuid}|{move['uuid']}|-f|json"
    )
    assert shown["status"] == "succeeded"
