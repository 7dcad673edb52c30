# SPDX-License-Identifier: Apache-2.0
"""Nova and Keystone are away for long, in the midst of a recovery.

``python -m tests.integration.outage --minutes 20`` has two engines recover a
host with a hundred instances. When a fifth of them is on its way, Nova and
Keystone say nothing for half of that time, and 503 for the other half.
Printed are what has become of the instances, the seconds from the end of the
outage until all are back, and how much the engines have logged meanwhile.
"""

import argparse
import collections
import sys
import time

from masakari.db import notifications
from tests.integration import servers
from tests.integration.footprint import DEFAULTS, assembled, tell

INSTANCES = 100
SECONDS_OF_A_MINUTE = 60


def measure(server, minutes):
    with assembled(
        server, cloud={"max_concurrent_rebuilds": 10}, **DEFAULTS
    ) as made:
        suffer(made, minutes)


def suffer(made, minutes):
    cloud = made.cloud
    made.open(engines=2, hosts=5, servers=INSTANCES)
    [uuid] = made.fail("compute-1")
    made.moved(INSTANCES // 5)
    for trouble in ("hang", 503):
        fault = cloud.faults.add("*", trouble)
        time.sleep(minutes * SECONDS_OF_A_MINUTE / 2)
        cloud.faults.remove(fault)
    ended_at = cloud.now
    tell(f"At the end of the outage: {notification(made, uuid)}")
    made.judge(timeout=600)
    tell(f"All are back {cloud.now - ended_at:.0f} s after it")
    places = collections.Counter(s.host for s in cloud.servers.values())
    tell(f"{dict(places)}; {len(cloud.migrations)} evacuations")
    for engine in made.engines:
        levels = {
            level: len(engine.lines(level))
            for level in ("INFO", "WARNING", "ERROR")
        }
        tell(f"{engine.log.name}: {levels}")


def notification(made, uuid):
    found = made.records.read(notifications.get, uuid)
    return f"{found.status}: {found.message}"


def main():
    parser = argparse.ArgumentParser(prog="outage")
    parser.add_argument("--server", default="mariadb", choices=servers.URLS)
    parser.add_argument("--minutes", type=float, default=20)
    arguments = parser.parse_args()
    measure(arguments.server, arguments.minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
