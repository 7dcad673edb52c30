# SPDX-License-Identifier: Apache-2.0
"""Several hosts that fail at once, and what has to become of them."""

import collections

from tests.integration.reports import report


def fail(deployed, ha, number=1):
    """Kill a host and report it; returns the notification's uuid."""
    host = f"compute-{number}"
    deployed.cloud.kill(host)
    return report(ha, host=host)


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
