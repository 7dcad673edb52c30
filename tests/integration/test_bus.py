# SPDX-License-Identifier: Apache-2.0
"""What engines leave behind in a real broker."""

import uuid

import amqp
import kombu
import pytest

from masakari import conf as configuration
from masakari import context
from masakari.engine.endpoint import EngineEndpoint
from masakari.rpc import bus
from masakari.rpc.client import EngineClient
from masakari.rpc.server import EngineServer
from tests.functional.db import records
from tests.integration.deployment import BROKER, wait_for

pytestmark = pytest.mark.integration


class Broker:
    """The queues and exchanges of one topic, as RabbitMQ has them."""

    def __init__(self, topic, exchange):
        self._topic = topic
        self._exchange = exchange
        self._connection = kombu.Connection(BROKER.replace("rabbit", "amqp"))

    def _there(self, kind, name):
        with self._connection.channel() as channel:
            try:
                if kind == "queue":
                    return channel.queue_declare(name, passive=True)
                channel.exchange_declare(name, "fanout", passive=True)
                return True
            except amqp.NotFound:
                return None

    @property
    def work(self):
        """The messages that any engine may take."""
        found = self._there("queue", self._topic)
        return None if found is None else found.message_count

    def queue_of(self, host):
        return self._there("queue", f"{self._topic}.{host}") is not None

    @property
    def fanout(self):
        """It goes with the last queue that is bound to it."""
        return self._there("exchange", f"{self._topic}_fanout") is not None

    def forget(self, host):
        """Delete the queue of an engine on that host under its feet."""
        with self._connection.channel() as channel:
            channel.queue_delete(f"{self._topic}.{host}")

    def close(self):
        with self._connection.channel() as channel:
            channel.queue_delete(self._topic)
            channel.exchange_delete(self._exchange)
        self._connection.release()


@pytest.fixture
def names():
    """Of a topic and an exchange that nobody else uses."""
    name = uuid.uuid4().hex[:8]
    return {
        "masakari_topic": f"ha_engine_{name}",
        "control_exchange": f"masakari_{name}",
    }


@pytest.fixture
def broker(names):
    made = Broker(names["masakari_topic"], names["control_exchange"])
    yield made
    made.close()


@pytest.fixture
def configured(names):
    """A configuration; more is of the group of RabbitMQ."""

    def make(host="c-1", **more):
        conf = configuration.load([], prog="masakari", config_files=[])
        bus.stay_in_process(conf)
        # That of the group of RabbitMQ are there as soon as it is used.
        given = {"transport_url": BROKER, "host": host, **names}
        for name, value in given.items():
            conf.set_override(name, value)
        bus.get_transport(conf).cleanup()
        for name, value in more.items():
            conf.set_override(name, value, "oslo_messaging_rabbit")
        return conf

    return make


@pytest.fixture
def engine(configured):
    """Start one on a host."""
    begun = []

    def start(host, **more):
        endpoint = EngineEndpoint(lambda: None, lambda *_: [])
        server = EngineServer(configured(host, **more), endpoint)
        server.start()
        wait_for(lambda: server.listening)
        begun.append(server)
        return server

    yield start
    for server in begun:
        server.stop()


@pytest.mark.parametrize("quorum", [False, True])
def test_one_that_ends_leaves_nothing_of_its_own(engine, broker, quorum):
    one = engine("c-1", rabbit_quorum_queue=quorum)
    other = engine("c-2", rabbit_quorum_queue=quorum)
    assert broker.queue_of("c-1")
    assert broker.fanout
    one.stop()
    assert not broker.queue_of("c-1")
    assert broker.queue_of("c-2")
    assert broker.fanout
    other.stop()
    assert not broker.queue_of("c-2")
    assert not broker.fanout
    assert broker.work == 0


def test_of_two_on_one_host_the_last_takes_the_queue_with_it(engine, broker):
    one, other = engine("c-1"), engine("c-1")
    one.stop()
    assert broker.queue_of("c-1")
    other.stop()
    assert not broker.queue_of("c-1")


def test_what_is_for_any_engine_waits_for_the_next_one(
    engine, broker, configured
):
    engine("c-1").stop()
    client = EngineClient(configured())
    client.process_notification(
        context.admin("req-1"),
        records.new_notification(records.new_host(records.new_segment())),
    )
    wait_for(lambda: broker.work == 1)
    engine("c-2")
    wait_for(lambda: broker.work == 0)


def test_one_can_end_after_its_broker_has_forgotten_it(engine, broker):
    one = engine("c-1")
    broker.forget("c-1")
    one.stop()
    assert not broker.queue_of("c-1")
    assert not broker.fanout


def test_a_program_that_is_told_to_stop_leaves_nothing(deploy, names, broker):
    engine = deploy(
        **names, oslo_messaging_rabbit__amqp_auto_delete=False
    ).start_engine()
    engine.says("The broker is there")
    assert broker.queue_of("engine-host")
    assert engine.stop() == 0
    assert not broker.queue_of("engine-host")
    assert not broker.fanout
    assert broker.work == 0
    assert " WARNING amqp" not in engine.text
