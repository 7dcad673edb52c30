# SPDX-License-Identifier: Apache-2.0
"""Several hosts that fail at once, and what has to become of them."""

import collections
import datetime


def populate(deployed, ha, *, failing, servers):
    """Hosts that are going to fail, each with servers, and as many others."""
    segment = ha.create_segment(
        name="segment", recovery_method="auto", service_type="COMPUTE"
    )
    for number in range(1, 2 * failing + 1):
        deployed.cloud.add_host(f"compute-{number}")
        ha.create_host(
            segment.uuid,
            name=f"compute-{number}",
            type="COMPUTE",
            control_attributes="SSH",
        )
    for number in range(1, failing + 1):
        for server in range(servers):
            deployed.cloud.create_server(
                f"vm-{number}-{server}", f"compute-{number}"
            )


def fail(deployed, ha, number=1):
    """Kill a host and report it; returns the notification's uuid."""
    deployed.cloud.kill(f"compute-{number}")
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return ha.create_notification(
        type="COMPUTE_HOST",
        hostname=f"compute-{number}",
        generated_time=now.isoformat(),
        payload={
            "event": "STOPPED",
            "cluster_status": "OFFLINE",
            "host_status": "NORMAL",
        },
    ).notification_uuid


def assert_all_is_back(cloud, *, failing):
    """Everything runs elsewhere, and nothing was moved twice."""
    gone = {f"compute-{number}" for number in range(1, failing + 1)}
    assert not {server.host for server in cloud.servers.values()} & gone
    assert {server.vm_state for server in cloud.servers.values()} == {"active"}
    moves = collections.Counter(m.instance_uuid for m in cloud.migrations)
    assert moves == collections.Counter(cloud.servers.keys())


def works_on(engine, uuid):
    """Whether an engine has ever claimed a notification."""
    return f"Working on notification {uuid}" in engine.text
