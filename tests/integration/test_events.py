# SPDX-License-Identifier: Apache-2.0
"""What consumers hear on the message bus while programs run."""

import json
import socket
import time

import kombu
import pytest
import sqlalchemy

from tests.integration import proxy
from tests.integration.deployment import BROKER, wait_for
from tests.integration.reports import ended, report
from tests.ports import free_port

pytestmark = pytest.mark.integration

PRIORITIES = ("info", "error")
#: Several processes of the API do not wait for one another's events.
SPOKEN = {
    "oslo_messaging_notifications__driver": "messagingv2",
    "masakari_api_workers": 1,
}
API = f"masakari-api:{socket.gethostname()}"
ENGINE = f"masakari-engine:{socket.gethostname()}"


class Consumer:
    """Listens where consumers of versioned notifications do.

    :param exchange: the deployment's own, so that the bus may be shared
    """

    def __init__(self, exchange):
        self.heard = []
        self._connection = kombu.Connection(BROKER.replace("rabbit", "amqp"))
        channel = self._connection.channel()
        self._queues = {
            priority: self._queue(channel, exchange, priority)
            for priority in PRIORITIES
        }

    def _queue(self, channel, exchange, priority):
        name = f"versioned_notifications.{priority}"
        channel.queue_delete(name)
        queue = kombu.Queue(
            name,
            exchange=kombu.Exchange(
                exchange, type="topic", durable=False, auto_delete=True
            ),
            routing_key=name,
            durable=False,
            auto_delete=True,
        )(channel)
        queue.declare()
        return queue

    def listen(self):
        """All that was said so far, oldest first."""
        for priority, queue in self._queues.items():
            while (message := queue.get(no_ack=True)) is not None:
                body = message.payload
                assert body["oslo.version"] == "2.0"
                envelope = json.loads(body["oslo.message"])
                assert envelope["priority"] == priority.upper()
                self.heard.append(envelope)
        # The queues say nothing about each other's order.
        self.heard.sort(key=lambda envelope: envelope["timestamp"])
        return self.heard

    def until(self, type, count=1):
        """Listen until an event has come so often."""
        wait_for(lambda: len(self.of(type)) >= count)
        return self.heard

    def of(self, type):
        return [e for e in self.listen() if e["event_type"] == type]

    def close(self):
        for queue in self._queues.values():
            queue.delete()
        self._connection.release()


@pytest.fixture
def consume():
    made = []

    def begin(deployed):
        consumer = Consumer(deployed.values["control_exchange"])
        made.append(consumer)
        return consumer

    yield begin
    for consumer in made:
        consumer.close()


def start_api(deployed):
    api = deployed.begin("masakari-api", "api")
    api.says("The API listens")
    return api


def data(envelope, name, version):
    """The fields of a payload of a class."""
    payload = dict(envelope["payload"])
    fields = payload.pop("masakari_object.data")
    assert payload == {
        "masakari_object.name": name,
        "masakari_object.namespace": "masakari",
        "masakari_object.version": version,
    }
    return fields


def types(envelopes):
    return [envelope["event_type"] for envelope in envelopes]


def from_post_to_the_end(envelopes, uuid):
    """What is told of a failure of compute-1, without the moves."""
    found = []
    for envelope in envelopes:
        type = envelope["event_type"]
        fields = envelope["payload"]["masakari_object.data"]
        if type.startswith("notification."):
            # Nothing has an id before it is created.
            assert fields.get("notification_uuid", uuid) == uuid
            found.append((type, envelope["publisher_id"], fields["status"]))
        elif type.startswith("host.update."):
            assert fields["name"] == "compute-1"
            found.append(
                (type, envelope["publisher_id"], fields["on_maintenance"])
            )
    return found


def test_the_failure_of_a_host_from_its_report_to_its_end(deploy, consume):
    deployed = deploy(**SPOKEN)
    consumer = consume(deployed)
    start_api(deployed)
    engine = deployed.start_engine()
    ha = deployed.connect().instance_ha
    segment = deployed.populate(ha, servers=3)
    built = consumer.until("host.create.end", 3)
    assert types(built) == [
        "segment.create.start",
        "segment.create.end",
        *["host.create.start", "host.create.end"] * 3,
    ]
    assert {envelope["publisher_id"] for envelope in built} == {API}
    assert_envelopes(built)
    assert data(built[1], "SegmentApiPayload", "1.1") == {
        "id": segment_id(ha, segment),
        "uuid": segment.uuid,
        "name": segment.name,
        "service_type": "COMPUTE",
        "description": None,
        "recovery_method": "auto",
        "enabled": True,
        "fault": None,
    }
    host = data(built[3], "HostApiPayload", "1.0")
    assert host["name"] == "compute-1"
    nested = data(
        {"payload": host["failover_segment"]}, "FailoverSegment", "1.1"
    )
    assert nested["uuid"] == segment.uuid

    consumer.heard.clear()
    deployed.cloud.kill("compute-1")
    uuid = report(ha)
    assert ended(ha, uuid).status == "finished"
    told = consumer.until("notification.update.end")
    assert from_post_to_the_end(told, uuid) == [
        ("notification.create.start", API, "new"),
        ("notification.create.end", API, "new"),
        ("notification.process.start", ENGINE, "new"),
        ("host.update.start", API, True),
        ("host.update.end", API, True),
        ("notification.process.end", ENGINE, "running"),
        ("notification.update.end", ENGINE, "finished"),
    ]
    assert_envelopes(told)
    process = consumer.of("notification.process.end")[0]
    fields = data(process, "NotificationApiPayload", "1.0")
    assert fields.pop("generated_time").endswith("Z")
    assert fields == {
        "id": fields["id"],
        "notification_uuid": uuid,
        "source_host_uuid": host["uuid"],
        "type": "COMPUTE_HOST",
        "payload": {
            "event": "STOPPED",
            "cluster_status": "OFFLINE",
            "host_status": "NORMAL",
        },
        "status": "running",
        "fault": None,
    }
    assert_moves(deployed, ha, uuid, consumer)
    assert not engine.tracebacks
    assert engine.stop(timeout=5) == 0


def segment_id(ha, segment):
    return ha.get(f"/segments/{segment.uuid}").json()["segment"]["id"]


def assert_envelopes(envelopes):
    for envelope in envelopes:
        # The others are of the transport, and who asked.
        spoken = {n for n in envelope if not n.startswith("_")}
        assert spoken == {
            "message_id",
            "publisher_id",
            "event_type",
            "priority",
            "payload",
            "timestamp",
        }
        assert envelope["_context_request_id"].startswith("req-")
        assert not envelope["_context_auth_token"]
    assert len({envelope["message_id"] for envelope in envelopes}) == len(
        envelopes
    )


def assert_moves(deployed, ha, uuid, consumer):
    planned = consumer.of("vmove.create.end")
    assert {
        data(envelope, "VMoveApiPayload", "1.0")["instance_uuid"]
        for envelope in planned
    } == set(deployed.cloud.servers)
    assert {envelope["publisher_id"] for envelope in planned} == {ENGINE}
    last = {}
    for envelope in consumer.of("vmove.update.end"):
        fields = data(envelope, "VMoveApiPayload", "1.0")
        last[fields["uuid"]] = fields
    shown = {move.uuid: move for move in ha.vmoves(uuid)}
    assert set(last) == set(shown)
    for fields in last.values():
        assert fields["status"] == "succeeded"
        assert fields["dest_host"] == shown[fields["uuid"]].dest_host


def test_a_refusal_and_a_failure(deploy, consume):
    deployed = deploy(**SPOKEN)
    consumer = consume(deployed)
    start_api(deployed)
    ha = deployed.connect().instance_ha
    segment = deployed.populate(ha, hosts=0, servers=0)
    refused = ha.post(
        "/segments",
        json={
            "segment": {
                "name": segment.name,
                "recovery_method": "auto",
                "service_type": "COMPUTE",
            }
        },
    )
    assert refused.status_code == 409
    (error,) = consumer.until("segment.create.error")[-1:]
    assert types(consumer.heard) == [
        "segment.create.start",
        "segment.create.end",
        "segment.create.start",
        "segment.create.error",
    ]
    assert error["priority"] == "ERROR"
    fields = data(error, "SegmentApiPayload", "1.1")
    assert "uuid" not in fields
    fault = data({"payload": fields["fault"]}, "ExceptionPayload", "1.0")
    assert fault["exception"] == "SegmentExists"
    assert segment.name in fault["exception_message"]
    assert "Traceback" in fault["traceback"]


def test_a_driver_that_is_not_set_says_nothing(deploy, consume):
    deployed = deploy()
    consumer = consume(deployed)
    deployed.start_api()
    deployed.populate(deployed.connect().instance_ha, servers=0)
    assert consumer.listen() == []


@pytest.fixture
def way():
    """A way to the broker, which can be cut."""
    broker = sqlalchemy.make_url(BROKER)
    made = proxy.Proxy(broker.host, broker.port or 5672)
    made.url = broker.set(port=made.port).render_as_string(hide_password=False)
    made.join()
    yield made
    made.cut()


def test_what_follows_a_restart_of_the_broker_is_heard(deploy, consume, way):
    deployed = deploy(
        **SPOKEN, oslo_messaging_notifications__transport_url=way.url
    )
    consumer = consume(deployed)
    start_api(deployed)
    ha = deployed.connect().instance_ha
    segment = deployed.populate(ha, hosts=0, servers=0)
    consumer.until("segment.create.end")
    way.cut()
    way.join()
    ha.delete_segment(segment.uuid)
    consumer.until("segment.delete.end")
    assert types(consumer.heard)[2:] == [
        "segment.delete.start",
        "segment.delete.end",
    ]


def test_a_bus_that_is_away_is_in_nobodys_way(deploy):
    nobody = f"rabbit://guest:guest@127.0.0.1:{free_port()}/"
    deployed = deploy(
        **SPOKEN, oslo_messaging_notifications__transport_url=nobody
    )
    api = start_api(deployed)
    engine = deployed.start_engine()
    ha = deployed.connect().instance_ha
    begin = time.monotonic()
    deployed.populate(ha, servers=5)
    deployed.cloud.kill("compute-1")
    uuid = report(ha)
    assert time.monotonic() - begin < 5
    assert ended(ha, uuid).status == "finished"
    assert engine.stop(timeout=6) == 0
    assert api.stop(timeout=8) == 0
