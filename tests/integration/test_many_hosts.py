# SPDX-License-Identifier: Apache-2.0
"""Twenty hosts fail at once, and three engines share the work."""

import pytest

from tests.integration.fleet import SCALE, working

pytestmark = pytest.mark.integration

HOSTS = 20
INSTANCES = 50 * SCALE


def test_many_hosts_fail_at_once(assemble):
    fleet = assemble(
        cloud={"max_concurrent_rebuilds": 10},
        concurrent_recoveries=10,
        notification_lease=15,
        notification_lease_renewal=5,
    )
    fleet.open(hosts=HOSTS + 10, servers=INSTANCES, doomed=HOSTS)
    fleet.fail(*(f"compute-{n}" for n in range(1, HOSTS + 1)))
    fleet.judge(timeout=240 * SCALE)
    shares = [working(engine) for engine in fleet.engines]
    assert sum(shares) == HOSTS
    assert min(shares) > 0, shares
