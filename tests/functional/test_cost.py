# SPDX-License-Identifier: Apache-2.0
"""What a recovery costs Nova and Keystone, counted in HTTP requests."""

import collections
import time
from pathlib import Path

import pytest

from masakari import conf as configuration
from masakari.cmd import engine as program
from masakari.db import notifications, progress, schema
from masakari.db.session import Database
from masakari.domain.model import UNFINISHED, NotificationStatus
from masakari.nova.client import NovaClient
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from tests.functional.db import records
from tests.unit.events.recorder import Silent

INSTANCES = 100


def configured(server: SimulatorServer, directory: Path):
    conf = configuration.load([], prog="masakari-engine", config_files=[])
    for name, value in {
        "os_privileged_user_auth_url": server.auth_url,
        "os_privileged_user_name": "nova",
        "os_privileged_user_password": "secret",
        "os_privileged_user_tenant": "service",
    }.items():
        conf.set_override(name, value)
    conf.set_override(
        "connection", f"sqlite:///{directory}/masakari.sqlite", "database"
    )
    return conf


@pytest.mark.slow
def test_a_hundred_instances_are_cheap(tmp_path: Path) -> None:
    cloud = Cloud(
        time.time,
        service_down_time=1.0,
        report_interval=0.2,
        evacuation_seconds=1.0,
        max_concurrent_rebuilds=10,
    )
    for number in range(5):
        cloud.add_host(f"compute-{number}")
    for number in range(INSTANCES):
        cloud.create_server(f"vm-{number}", "compute-0")
    with SimulatorServer(cloud) as server:
        conf = configured(server, tmp_path)
        database = Database.from_conf(conf)
        schema.create_all(database)
        progress.create_tables(conf.database.connection)
        host = records.host(database, name="compute-0")
        engine = program.build(
            conf,
            database=database,
            compute=NovaClient.from_conf(conf),
            events=Silent(),
        )
        cloud.kill("compute-0")
        notification = records.notification(
            database,
            host,
            generated_time=host.created_at,
            payload={"event": "STOPPED", "host_status": "NORMAL"},
            request_id="req-cost",
        )
        engine.start()
        try:
            seen = notification
            end = time.monotonic() + 90
            while seen.status in UNFINISHED and time.monotonic() < end:
                time.sleep(0.1)
                seen = database.read(notifications.get, notification.uuid)
        finally:
            engine.stop()
        asked = collections.Counter()
        for (service, _), count in server.requests.items():
            asked[service] += count
    assert seen.status is NotificationStatus.FINISHED
    assert asked["compute"] <= 2.5 * INSTANCES
    assert asked["identity"] <= 0.05 * INSTANCES
    assert "req-cost" in server.request_ids
