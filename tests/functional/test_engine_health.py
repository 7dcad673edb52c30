# SPDX-License-Identifier: Apache-2.0
"""What an engine tells of its health, in this process."""

import threading
import time

import pytest
import requests

from masakari import conf as configuration
from masakari.cmd import engine as program
from masakari.db import schema
from masakari.db.session import Database
from masakari.engine.health import Health, HealthServer
from masakari.rpc import bus
from masakari.rpc.broker import Broker
from masakari.services import readiness
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.ports import free_port
from tests.unit.events.recorder import Silent

PATIENCE = 10


class Slow(Database):
    """One that can be stopped in the midst of a transaction."""

    patience = 60

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.go_on = threading.Event()
        self.go_on.set()

    def read(self, function, *args, **kwargs):
        assert self.go_on.wait(PATIENCE)
        return super().read(function, *args, **kwargs)


class World:
    def __init__(self, directory):
        conf = configuration.load([], prog="masakari-engine", config_files=[])
        bus.stay_in_process(conf)
        conf.set_override("notification_poll_interval", 0.1)
        conf.set_override("notification_lease_renewal", 1)
        self.database = Slow(f"sqlite:///{directory}/masakari.sqlite")
        conf.set_override("connection", f"sqlite:///{directory}/x", "database")
        schema.create_all(self.database)
        self.engine = program.build(
            conf,
            database=self.database,
            compute=SimulatedCompute(Cloud(lambda: 0.0)),
            events=Silent(),
        )
        self.server = program.make_server(conf, self.engine, self.database)
        dependencies = readiness.Dependencies(self.database, Broker(conf))
        self.port = free_port()
        self.health = HealthServer(
            "127.0.0.1",
            self.port,
            Health(self.engine, self.server, dependencies),
        )
        self.health.start()

    def start(self):
        self.server.start()
        self.engine.start()

    def get(self, path, method="GET"):
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, timeout=PATIENCE)

    def told(self, path):
        """Status and text, or JSON."""
        answer = self.get(path)
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status_code, answer.json() if is_json else answer.text

    def close(self):
        self.database.go_on.set()
        self.engine.stop()
        self.server.stop()
        self.health.stop()
        self.database.dispose()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def hasty(tmp_path, monkeypatch):
    """A world in which outages are short."""
    monkeypatch.setattr(Slow, "patience", 0.3)
    made = World(tmp_path)
    yield made
    made.close()


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)


def test_it_lives_before_it_works_and_works_until_it_stops(world):
    def told():
        return world.told("/healthcheck/ready")

    assert world.told("/healthcheck") == (200, "OK")
    assert told() == (
        503,
        {
            "ready": False,
            "checks": {"database": "ok", "broker": "away"},
            "stopping": False,
        },
    )
    assert int(world.get("/healthcheck/ready").headers["Retry-After"]) > 0
    world.start()
    until(lambda: world.server.listening)
    assert told() == (
        200,
        {
            "ready": True,
            "checks": {"database": "ok", "broker": "ok"},
            "stopping": False,
        },
    )
    world.engine.stop()
    assert world.told("/healthcheck") == (200, "OK")
    assert told() == (
        503,
        {
            "ready": False,
            "checks": {"database": "ok", "broker": "ok"},
            "stopping": True,
        },
    )


def test_a_thread_that_hangs_is_told_until_it_goes_on(hasty):
    hasty.start()
    hasty.database.go_on.clear()
    until(lambda: hasty.told("/healthcheck")[0] == 503)
    reason = hasty.told("/healthcheck")[1]
    assert reason.startswith("Looking for work: the thread hangs for ")
    assert hasty.told("/healthcheck/ready")[0] == 503
    hasty.database.go_on.set()
    until(lambda: hasty.told("/healthcheck") == (200, "OK"))


def test_nothing_else_is_there(world):
    assert world.get("/").status_code == 404
    assert world.get("/v1").status_code == 404
    assert world.get("/healthcheck", "POST").status_code == 405
    head = world.get("/healthcheck", "HEAD")
    assert (head.status_code, head.text) == (200, "")
