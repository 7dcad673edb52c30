# SPDX-License-Identifier: Apache-2.0
"""Broker, database, Nova and Keystone fail in the midst of a recovery."""

import statistics
import urllib.parse

import pytest

from tests.integration import deployment
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
