# SPDX-License-Identifier: Apache-2.0
"""An engine is told to stop while Nova has not answered it yet."""

import time

import pytest

from masakari import conf as configuration
from masakari.cmd import engine as program
from masakari.db import hosts, notifications, progress, schema, segments
from masakari.db.session import Database
from masakari.domain.model import NotificationStatus
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.functional.db import records
from tests.integration.deployment import wait_for
from tests.unit.events.recorder import Silent

pytestmark = pytest.mark.slow

#: Seconds for which a call to Nova is waited for, and after which Nova does
#: what it was asked.
TIMEOUT, LATE = 6.0, 4.5

STOPPED = {
    "event": "STOPPED",
    "host_status": "NORMAL",
    "cluster_status": "OFFLINE",
}


@pytest.fixture
def connection(tmp_path):
    found = f"sqlite:///{tmp_path / 'masakari.sqlite'}"
    schema.create_all(Database(found))
    progress.create_tables(found)
    return found


@pytest.fixture
def cloud():
    made = Cloud(
        time.time,
        service_down_time=0.3,
        report_interval=0.1,
        evacuation_seconds=0.5,
    )
    for name in ("failed", "other", "another"):
        made.add_host(name, slots=10)
    return made


def build(connection, cloud, *, drain):
    conf = configuration.load([], prog="masakari-engine", config_files=[])
    conf.set_override("connection", connection, "database")
    for name, value in {
        "graceful_shutdown_timeout": drain,
        "notification_lease": 3,
        "notification_lease_renewal": 1,
        "notification_poll_interval": 1,
        "nova_api_timeout": int(TIMEOUT),
    }.items():
        conf.set_override(name, value)
    return program.build(
        conf,
        database=Database(connection),
        compute=SimulatedCompute(cloud, timeout=TIMEOUT, wait=time.sleep),
        events=Silent(),
    )


def report(database):
    segment = database.write(segments.create, records.new_segment())
    for name in ("failed", "other", "another"):
        host = records.new_host(segment, name=name)
        database.write(hosts.create, host)
    return database.write(
        notifications.create,
        records.new_notification(
            database.read(hosts.by_name, "failed"), payload=STOPPED
        ),
        request_id="req-test",
    )


@pytest.mark.parametrize("drain", [0, 10])
def test_nobody_is_evacuated_twice(connection, cloud, drain):
    database = Database(connection)
    cloud.create_server("vm", "failed")
    cloud.kill("failed")
    time.sleep(0.5)
    cloud.faults.add("evacuate", "late", seconds=LATE, times=1)
    first = build(connection, cloud, drain=drain)
    second = build(connection, cloud, drain=0)
    notification = report(database)
    first.start()
    wait_for(lambda: cloud.counts["evacuate"])
    second.start()
    first.stop()

    def done():
        now = database.read(notifications.get, notification.uuid)
        return now.status == NotificationStatus.FINISHED

    wait_for(done)
    second.stop()
    assert [record.status for record in cloud.migrations] == ["done"]
    assert cloud.counts["evacuate"] == 1
