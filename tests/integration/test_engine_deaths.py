# SPDX-License-Identifier: Apache-2.0
"""Engines die, are told to go, and freeze, in the midst of a recovery."""

import signal
import urllib.parse

import pytest

from tests.integration import deployment, servers
from tests.integration.fleet import SCALE
from tests.integration.proxy import Proxy

pytestmark = pytest.mark.integration

on_both = pytest.mark.parametrize(
    "server", sorted(servers.URLS), indirect=True
)

INSTANCES = 200 * SCALE
LEASE = 3
SHORT_LEASE = {"notification_lease": LEASE, "notification_lease_renewal": 1}


@on_both
def test_engines_are_killed_in_turn(assemble):
    fleet = assemble(**SHORT_LEASE)
    fleet.open(hosts=4, servers=INSTANCES)
    [uuid] = fleet.fail("compute-1")
    for share in (0.1, 0.35, 0.6):
        fleet.moved(share * INSTANCES)
        owner = fleet.owner(uuid)
        owner.kill()
        fleet.lose(owner)
        fleet.begin_engine()
        fleet.take_over(uuid, owner)
    fleet.judge()


def test_engines_are_told_to_stop_in_turn(assemble):
    fleet = assemble(host_failure_recovery_ceiling=16)
    fleet.open(hosts=4, servers=INSTANCES // 2)
    [uuid] = fleet.fail("compute-1")
    for share in (0.1, 0.35, 0.6):
        fleet.moved(share * INSTANCES // 2)
        owner = fleet.owner(uuid)
        owner.send(signal.SIGTERM)
        fleet.lose(owner)
        fleet.begin_engine()
        _, seconds = fleet.take_over(uuid, owner)
        assert seconds < 15
        assert owner.process.wait(deployment.PATIENCE) == 0
        assert f"{uuid} is handed over" in owner.text
    fleet.judge()


class Ear(Proxy):
    """A way to the simulated cloud that notes what changes it."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        super().__init__(address.hostname, address.port, self._note)
        self.url = address._replace(netloc=f"127.0.0.1:{self.port}").geturl()
        self.changes = []

    def _note(self, data):
        line = data.split(b"\r\n", 1)[0].decode("latin-1")
        if line.startswith(("POST /compute", "PUT /compute")):
            self.changes.append(line)


@pytest.fixture
def overhear():
    """Make a way to a cloud on which one hears what is changed."""
    made = []

    def begin(url):
        made.append(Ear(url))
        made[-1].join()
        return made[-1]

    yield begin
    for ear in made:
        ear.cut()


def test_an_engine_that_was_frozen_does_nothing_any_more(assemble, overhear):
    fleet = assemble(**SHORT_LEASE)
    deployed = fleet.deployed
    fleet.open_api(hosts=4, servers=INSTANCES // 2)
    cloud = overhear(deployed.nova.auth_url)
    deployed.change(os_privileged_user_auth_url=cloud.url)
    fleet.start_engines(1)
    [frozen] = fleet.engines
    deployed.change(os_privileged_user_auth_url=deployed.nova.auth_url)
    fleet.start_engines(2)
    # Until then nobody else is to work on it.
    for other in fleet.engines[1:]:
        other.send(signal.SIGSTOP)
    [uuid] = fleet.fail("compute-1")
    fleet.moved(INSTANCES // 20)
    frozen.send(signal.SIGSTOP)
    for other in fleet.engines[1:]:
        other.send(signal.SIGCONT)
    fleet.take_over(uuid, frozen)
    fleet.moved(len(fleet.cloud.migrations) + 1)
    assert cloud.changes
    cloud.changes.clear()
    frozen.send(signal.SIGCONT)
    frozen.says(f"Stopped working on notification {uuid}")
    fleet.judge()
    assert cloud.changes == []
    assert frozen.stop() == 0


def test_engines_that_start_later_find_what_was_reported(assemble):
    fleet = assemble()
    fleet.open_api(hosts=5, servers=5, doomed=3)
    fleet.fail("compute-1", "compute-2", "compute-3")
    fleet.start_engines(3)
    fleet.judge()


def test_the_api_is_killed_when_it_has_just_answered(assemble):
    fleet = assemble()
    fleet.open(hosts=3, servers=5)
    fleet.kill_hosts("compute-1")
    answer, _ = fleet.post("compute-1")
    fleet.api.kill_all()
    assert answer.status_code == 202
    fleet.judge()
