# SPDX-License-Identifier: Apache-2.0
"""Broker, database, Nova and Keystone fail in the midst of a recovery."""

import statistics
import time
import urllib.parse

import pytest

from tests.integration import deployment, reports
from tests.integration.deployment import wait_for
from tests.integration.fleet import SCALE
from tests.integration.proxy import Proxy

pytestmark = pytest.mark.integration

INSTANCES = 60 * SCALE

#: Seconds; longer than any test, so that nothing but a cast wakes engines.
NEVER = 600


def way_to(url, usual_port):
    """A proxy before the server of a URL, and the URL through it."""
    address = urllib.parse.urlsplit(url)
    way = Proxy(address.hostname, address.port or usual_port)
    user, at, _ = address.netloc.rpartition("@")
    netloc = f"{user}{at}127.0.0.1:{way.port}"
    way.url = address._replace(netloc=netloc).geturl()
    return way


@pytest.fixture
def broker():
    """A way to the broker that others do not use."""
    way = way_to(deployment.BROKER, 5672)
    way.join()
    yield way
    way.cut()


def post_each(fleet, *hosts):
    """Reports while the broker is away: taken, and at once."""
    answers = [fleet.post(host) for host in hosts]
    assert {answer.status_code for answer, _ in answers} == {202}
    assert statistics.median(seconds for _, seconds in answers) < 1


def fail_around(fleet, begin, end):
    """Hosts fail before, during and after an outage of the broker."""
    fleet.open(hosts=8, servers=INSTANCES // 2, doomed=5)
    fleet.fail("compute-1")
    fleet.moved(5)
    begin()
    meanwhile = ("compute-2", "compute-3", "compute-4")
    fleet.kill_hosts(*meanwhile)
    post_each(fleet, *meanwhile)
    fleet.moved(INSTANCES // 2 + 5)
    end()
    fleet.fail("compute-5")
    fleet.judge()


def test_the_broker_goes_away_and_comes_back(assemble, broker):
    fleet = assemble(transport_url=broker.url)
    fail_around(fleet, broker.cut, broker.join)


def test_the_broker_hangs(assemble, broker):
    fleet = assemble(transport_url=broker.url)
    fail_around(fleet, broker.pause, broker.resume)
    broker.pause()
    assert {engine.stop(timeout=10) for engine in fleet.engines} == {0}


def test_when_the_broker_is_back_it_wakes_engines_again(assemble, broker):
    fleet = assemble(
        transport_url=broker.url, notification_poll_interval=NEVER
    )
    fleet.open(hosts=5, servers=3, doomed=3)
    fleet.fail("compute-1")
    fleet.settle()
    broker.cut()
    fleet.kill_hosts("compute-2")
    post_each(fleet, "compute-2")
    broker.join()
    for engine in fleet.engines:
        engine.says("Reconnected to AMQP server")
    fleet.fail("compute-3")
    fleet.judge()


def assert_not_now(fleet, host, limit):
    """What the API says of a report while there is no database."""
    answer, seconds = fleet.post(host)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert seconds < limit


@pytest.mark.parametrize(
    ("server", "outage"),
    [("mariadb", 30), ("postgresql", 8)],
    indirect=["server"],
)
def test_the_database_goes_away_for_all(assemble, cut_off, outage):
    fleet = assemble(database__connection=cut_off.url)
    cut_off.join()
    fleet.open(hosts=5, servers=INSTANCES, doomed=2)
    fleet.fail("compute-1")
    fleet.moved(5)
    ends_at = time.monotonic() + outage
    cut_off.cut()
    fleet.kill_hosts("compute-2")
    while time.monotonic() < ends_at:
        assert_not_now(fleet, "compute-2", limit=15)
    cut_off.join()
    fleet.report("compute-2")
    fleet.judge()


def test_the_database_hangs_for_all(assemble, cut_off):
    fleet = assemble(database__connection=cut_off.url)
    cut_off.join()
    fleet.open(hosts=5, servers=INSTANCES, doomed=2)
    fleet.fail("compute-1")
    fleet.moved(5)
    cut_off.pause()
    fleet.kill_hosts("compute-2")
    assert_not_now(fleet, "compute-2", limit=30)
    cut_off.resume()
    fleet.report("compute-2")
    fleet.judge()


def test_the_database_hangs_for_the_engine_that_works(assemble, cut_off):
    fleet = assemble(notification_lease=3, notification_lease_renewal=1)
    deployed = fleet.deployed
    near = deployed.values["database__connection"]
    cut_off.join()
    fleet.open_api(hosts=4, servers=INSTANCES)
    deployed.change(database__connection=cut_off.url)
    fleet.start_engines(1)
    [stuck] = fleet.engines
    [uuid] = fleet.fail("compute-1")
    fleet.moved(5)
    deployed.change(database__connection=near)
    fleet.start_engines(2)
    assert fleet.owner(uuid) is stuck
    cut_off.pause()
    fleet.take_over(uuid, stuck)
    fleet.judge()
    stuck.says("Renewing claims failed")
    cut_off.resume()
    stuck.says(f"Stopped working on notification {uuid}")
    assert fleet.faults() == []
    assert stuck.stop() == 0


#: The calls of a recovery, by the simulator's names.
NOVA = (
    "compute_service",
    "compute_services",
    "disable_service",
    "evacuate",
    "evacuations",
    "server",
    "servers_on",
)

#: What goes wrong, in the words of the simulator.
TROUBLES = {
    "500": {"outcome": 500},
    "503": {"outcome": 503, "retry_after": 1},
    "429": {"outcome": 429, "retry_after": 1},
    "hang": {"outcome": "hang"},
    "timeout": {"outcome": "timeout"},
}

#: Few evacuations at once, so that some are still to be asked for when
#: trouble comes, and little patience.
CAREFUL = {
    "host_failure_recovery_ceiling": 8,
    "nova_api_timeout": 1,
    "nova": {"hang_seconds": 3},
}

#: Seconds that each trouble lasts.
LASTS = 2


def suffer(fleet, verbs, trouble):
    """A while in which calls fail; tokens have to be had anew meanwhile."""
    began = len(fleet.cloud.calls)
    faults = [fleet.cloud.faults.add(verb, **trouble) for verb in verbs]
    fleet.deployed.nova.tokens.revoke_all()
    wait_for(lambda: sum(fault.used for fault in faults) >= 3)
    wait_for(lambda: fleet.cloud.now > fleet.cloud.calls[began].at + LASTS)
    fleet.cloud.faults.clear()


@pytest.mark.parametrize(
    "troubles",
    [("500", "503", "429"), ("hang", "timeout")],
    ids=["errors", "silence"],
)
def test_nova_and_keystone_are_ill(assemble, troubles):
    fleet = assemble(**CAREFUL)
    fleet.open(engines=2, hosts=3, servers=INSTANCES)
    fleet.fail("compute-1")
    for trouble in troubles:
        fleet.moved(len(fleet.cloud.migrations) + 8)
        suffer(fleet, NOVA, TROUBLES[trouble])
        fleet.moved(len(fleet.cloud.migrations) + 8)
        suffer(fleet, ["authenticate"], TROUBLES[trouble])
    fleet.judge()


def test_nova_and_keystone_are_not_there(assemble):
    fleet = assemble(**CAREFUL)
    deployed = fleet.deployed
    fleet.open_api(hosts=3, servers=INSTANCES)
    way = way_to(deployed.nova.auth_url, 80)
    way.join()
    deployed.change(os_privileged_user_auth_url=way.url)
    fleet.start_engines(2)
    [uuid] = fleet.fail("compute-1")
    fleet.moved(5)
    way.cut()
    fleet.owner(uuid).says("evacuation records cannot be read")
    way.join()
    fleet.judge()
    way.cut()


def test_tokens_expire_and_are_revoked(assemble):
    # keystoneauth has a token renewed half a minute before it expires.
    fleet = assemble(nova={"token_lifetime": 31})
    fleet.open(engines=2, hosts=3, servers=INSTANCES)
    fleet.fail("compute-1")
    for share in (0.2, 0.4, 0.6, 0.8):
        fleet.moved(share * INSTANCES)
        fleet.deployed.nova.tokens.revoke_all()
    fleet.judge()
    assert fleet.cloud.counts["authenticate"] > 4


def test_keystone_is_ill_when_a_report_comes(assemble):
    fleet = assemble()
    fleet.open(engines=1, hosts=3, servers=3)
    token = fleet.deployed.connect().auth_token
    fleet.kill_hosts("compute-1")
    fleet.cloud.faults.add("validate_token", 500)
    answer, _ = reports.post(fleet.deployed.api_url, token, "compute-1")
    assert answer.status_code == 503
    fleet.cloud.faults.clear()
    fleet.report("compute-1")
    fleet.judge()
