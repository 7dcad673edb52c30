# SPDX-License-Identifier: Apache-2.0
"""What masakari-monitors sends, by its own code, and what becomes of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.deployment import PATIENCE, ini
from tests.integration.reports import ended

pytestmark = pytest.mark.integration

SENDER = Path(__file__).parent / "monitor.py"


@pytest.fixture
def monitored(deploy, tmp_path):
    """A deployment, and what lets a monitor of compute-1 report."""
    deployed = deploy()
    deployed.start_api()
    deployed.start_engine()
    ha = deployed.connect().instance_ha
    deployed.populate(ha, servers=3)
    file = tmp_path / "masakarimonitors.conf"
    file.write_text(
        ini(
            {
                "log_file": tmp_path / "monitor.log",
                "api__auth_url": deployed.nova.auth_url,
                "api__username": "masakari",
                "api__password": "secret",
                "api__project_name": "service",
                "api__user_domain_name": "default",
                "api__project_domain_name": "default",
                "api__region": "RegionOne",
            }
        )
    )

    def send(type, **payload):
        known = {n.notification_uuid for n in ha.notifications()}
        event = {"type": type, "hostname": "compute-1", "payload": payload}
        done = subprocess.run(
            [sys.executable, SENDER, file],
            input=json.dumps(event),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        new = {n.notification_uuid for n in ha.notifications()} - known
        return ended(ha, new.pop()) if new else None

    send.cloud, send.ha = deployed.cloud, ha
    return send


def host(send):
    (segment,) = send.ha.segments()
    return next(
        h for h in send.ha.hosts(segment.uuid) if h.name == "compute-1"
    )


@pytest.mark.parametrize("with_cluster", [True, False])
def test_a_host_monitor_reports_a_dead_host(monitored, with_cluster):
    """Those of Kubernetes and Consul do not know a cluster."""
    monitored.cloud.kill("compute-1")
    payload = {"event": "STOPPED", "host_status": "NORMAL"}
    if with_cluster:
        payload["cluster_status"] = "OFFLINE"
    assert monitored("COMPUTE_HOST", **payload).status == "finished"
    assert len(monitored.cloud.migrations) == 3
    # On maintenance now: 409, which a monitor takes for an answer.
    assert monitored("COMPUTE_HOST", **payload) is None


def test_a_host_monitor_reports_what_calls_for_nothing(monitored):
    unknown = monitored(
        "COMPUTE_HOST",
        event="STOPPED",
        cluster_status="OFFLINE",
        host_status="UNKNOWN",
    )
    started = monitored(
        "COMPUTE_HOST",
        event="STARTED",
        cluster_status="ONLINE",
        host_status="NORMAL",
    )
    assert (unknown.status, started.status) == ("ignored", "finished")
    assert not host(monitored).on_maintenance
    assert monitored.cloud.migrations == []


def test_a_process_monitor_reports_nova_compute(monitored):
    libvirt = monitored("PROCESS", event="STOPPED", process_name="libvirtd")
    assert libvirt.status == "finished"
    assert not host(monitored).on_maintenance
    compute = {"event": "STOPPED", "process_name": "nova-compute"}
    assert monitored("PROCESS", **compute).status == "finished"
    assert host(monitored).on_maintenance
    assert not monitored.cloud.hosts["compute-1"].enabled
    # The host is not forgotten for it.
    monitored.cloud.kill("compute-1")
    dead = monitored(
        "COMPUTE_HOST",
        event="STOPPED",
        cluster_status="OFFLINE",
        host_status="NORMAL",
    )
    assert dead.status == "finished"
    assert len(monitored.cloud.migrations) == 3


@pytest.mark.parametrize(
    ("event", "detail", "status"),
    [
        ("LIFECYCLE", "STOPPED_FAILED", "finished"),
        ("IO_ERROR", "IO_ERROR_REPORT", "finished"),
        ("QEMU_GUEST_AGENT_ERROR", "STOPPED_FAILED", "finished"),
        ("LIFECYCLE", "STOPPED_SHUTDOWN", "ignored"),
        ("LIFECYCLE", "SUSPENDED_IOERROR", "ignored"),
        ("REBOOT", "UNKNOWN", "ignored"),
        ("WATCHDOG", "WATCHDOG_RESET", "ignored"),
        ("IO_ERROR_REASON", "IO_ERROR_PAUSE", "ignored"),
        ("CONTROL_ERROR", "UNKNOWN", "ignored"),
    ],
)
def test_instance_monitors_report_events_of_an_instance(
    monitored, event, detail, status
):
    server = monitored.cloud.create_server(
        "crashed", "compute-1", metadata={"HA_Enabled": "true"}
    )
    found = monitored(
        "VM",
        event=event,
        vir_domain_event=detail,
        instance_uuid=server.uuid,
    )
    assert found.status == status
    counts = monitored.cloud.counts
    assert (counts["stop"], counts["start"]) == (
        (1, 1) if status == "finished" else (0, 0)
    )
    assert monitored.cloud.servers[server.uuid].vm_state == "active"
