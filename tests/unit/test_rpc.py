# SPDX-License-Identifier: Apache-2.0
import datetime
import inspect
import logging
import threading
import time

import oslo_messaging
import pytest
from oslo_config import cfg

from masakari import conf as configuration
from masakari import context, exception
from masakari.domain import model
from masakari.engine.endpoint import EngineEndpoint
from masakari.rpc import bus, wire
from masakari.rpc.client import EngineClient
from masakari.rpc.server import EngineServer
from tests.ports import free_port

UUID = "b1e9f4a6-6d52-4a2c-8a0e-111111111111"


def notification(**values):
    return model.Notification(
        **{
            "id": 7,
            "created_at": datetime.datetime(2026, 1, 2, 3, 4, 5),
            "updated_at": None,
            "deleted_at": None,
            "deleted": False,
            "uuid": UUID,
            "type": model.NotificationType.COMPUTE_HOST,
            "status": model.NotificationStatus.NEW,
            "source_host_uuid": "h",
            "failover_segment_uuid": "s",
            "generated_time": datetime.datetime(2026, 1, 2, 3, 4, 4, 999999),
            "payload": {"event": "STOPPED"},
            "message": None,
            **values,
        }
    )


PROGRESS = [
    model.TaskProgress(
        name="EvacuateInstancesTask",
        progress=0.5,
        state="RUNNING",
        entries=(
            model.ProgressEntry(
                timestamp="2026-01-02 03:04:05.000006",
                progress="0.5",
                message="half of it",
            ),
        ),
    )
]


def test_a_notification_travels_as_releases_exchange_it():
    assert wire.to_wire(notification()) == {
        "masakari_object.name": "Notification",
        "masakari_object.namespace": "masakari",
        "masakari_object.version": "1.2",
        "masakari_object.data": {
            "id": 7,
            "notification_uuid": UUID,
            "generated_time": "2026-01-02T03:04:04Z",
            "source_host_uuid": "h",
            "failover_segment_uuid": "s",
            "type": "COMPUTE_HOST",
            "payload": {"event": "STOPPED"},
            "status": "new",
            "message": None,
            "created_at": "2026-01-02T03:04:05Z",
            "updated_at": None,
            "deleted_at": None,
            "deleted": False,
        },
    }


def test_what_travels_is_plain_data():
    data = wire.to_wire(notification())["masakari_object.data"]
    assert {type(value) for value in data.values()} <= {
        str, int, bool, dict, type(None),
    }  # fmt: skip


def test_progress_is_filled_into_what_was_sent():
    sent = wire.to_wire(notification())
    answer = wire.with_details(sent, PROGRESS)
    assert "recovery_workflow_details" not in sent["masakari_object.data"]
    filled = answer["masakari_object.data"].pop("recovery_workflow_details")
    assert answer == sent
    assert filled == [
        {
            "masakari_object.name": "NotificationProgressDetails",
            "masakari_object.namespace": "masakari",
            "masakari_object.version": "1.0",
            "masakari_object.data": {
                "name": "EvacuateInstancesTask",
                "progress": 0.5,
                "state": "RUNNING",
                "progress_details": [
                    {
                        "timestamp": "2026-01-02 03:04:05.000006",
                        "progress": "0.5",
                        "message": "half of it",
                    }
                ],
            },
        }
    ]


def configured(url, **options):
    conf = configuration.load([], prog="test", config_files=[])
    bus.stay_in_process(conf)
    conf.set_override("transport_url", url)
    for name, value in options.items():
        conf.set_override(name, value)
    return conf


@pytest.fixture
def engine():
    """An engine's server on a bus in this process, and its wake-ups."""
    conf = configured("fake://", host="engine-host")
    woken = threading.Event()

    def progress(uuid, status):
        if uuid != UUID:
            raise exception.NotificationNotFound(uuid=uuid)
        return PROGRESS

    server = EngineServer(conf, EngineEndpoint(woken.set, progress))
    server.start()
    yield conf, woken
    server.stop()


def call(conf, version, method, **arguments):
    client = oslo_messaging.get_rpc_client(
        bus.get_transport(conf),
        bus.target(topic="ha_engine"),
        serializer=bus.ContextSerializer(),
        timeout=10,
    )
    return client.prepare(version=version).call(
        context.admin("req-1"), method, **arguments
    )


def test_a_cast_wakes_the_engine(engine):
    conf, woken = engine
    client = EngineClient(conf)
    client.process_notification(context.admin("req-1"), notification())
    assert woken.wait(10)


class Listener:
    """What the bus itself carries."""

    target = bus.target(version=bus.VERSION)

    def __init__(self):
        self.heard = []
        self.over = threading.Event()

    def process_notification(self, ctxt, **arguments):
        self.heard.append((ctxt, arguments))
        self.over.set()


def test_no_token_goes_over_the_bus():
    conf = configured("fake://")
    listener = Listener()
    server = oslo_messaging.get_rpc_server(
        bus.get_transport(conf),
        bus.target(topic="ha_engine", server="somebody"),
        [listener],
        executor="threading",
        access_policy=oslo_messaging.DefaultRPCAccessPolicy,
    )
    server.start()
    caller = context.RequestContext(
        user_id="u", auth_token="Hush", request_id="req-1"
    )
    EngineClient(conf).process_notification(caller, notification())
    assert listener.over.wait(10)
    server.stop()
    ((carried, _),) = listener.heard
    assert carried["request_id"] == "req-1"
    assert "Hush" not in str(listener.heard)


def test_the_engine_answers_with_progress(engine):
    sent = wire.to_wire(notification())
    answer = call(
        engine[0],
        "1.1",
        "get_notification_recovery_workflow_details",
        notification=sent,
    )
    assert answer == wire.with_details(sent, PROGRESS)


def test_errors_travel_as_themselves(engine):
    with pytest.raises(exception.NotificationNotFound, match="other"):
        call(
            engine[0],
            "1.1",
            "get_notification_recovery_workflow_details",
            notification=wire.to_wire(notification(uuid="other")),
        )


def test_a_later_version_is_refused(engine):
    with pytest.raises(oslo_messaging.UnsupportedVersion):
        call(engine[0], "1.2", "process_notification", notification={})


def nobody():
    """A broker's address where nothing listens."""
    return f"rabbit://guest:guest@127.0.0.1:{free_port()}/"


def test_a_dead_broker_keeps_nobody_waiting(caplog):
    client = EngineClient(configured(nobody()))
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        client.process_notification(context.admin("req-1"), notification())
        assert time.monotonic() - began < 0.5
        client._sender.shutdown()
    assert f"No engine could be woken for notification {UUID}" in caplog.text


def test_of_very_many_casts_that_wait_some_are_dropped(monkeypatch):
    monkeypatch.setattr("masakari.rpc.client.BACKLOG", 2)
    client = EngineClient(configured("fake://"))
    blocked, sent = threading.Event(), []

    def cast(context, notification):
        blocked.wait(10)
        sent.append(notification)

    class Bus:
        def prepare(self, version):
            return self

        def cast(self, context, method, notification):
            cast(context, notification)

    client._client = Bus()
    for _ in range(5):
        client.process_notification(context.admin("req-1"), notification())
    blocked.set()
    client._sender.shutdown()
    assert len(sent) == 2


class Refusing:
    """A server that its broker refuses at first.

    :param reasons: one for each attempt that fails
    """

    def __init__(self, reasons, error=RuntimeError):
        self.reasons = list(reasons)
        self.error = error
        self.stopped = threading.Event()

    def start(self):
        if self.reasons:
            raise self.error(self.reasons.pop(0))

    def stop(self):
        self.stopped.set()

    def wait(self):
        """Nothing is under way."""


@pytest.fixture
def refused(monkeypatch):
    """Make an engine's server on a broker that refuses it."""
    monkeypatch.setattr("masakari.rpc.server.RETRY_AFTER", 0.01)

    def begin(behind):
        server = EngineServer(configured(nobody()), object())
        monkeypatch.setattr(server, "_make", lambda: behind)
        server.start()
        return server

    return begin


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.01)


def test_a_broker_that_refuses_is_told_once_and_tried_again(refused, caplog):
    behind = Refusing(["wrong password"] * 3 + ["no such vhost"])
    with caplog.at_level(logging.INFO):
        server = refused(behind)
        until(lambda: server.listening)
        until(lambda: "The broker is there" in caplog.text)
    told = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert [line.rpartition(": ")[2] for line in told] == [
        "wrong password",
        "no such vhost",
    ]
    assert all("The broker refuses the engine" in line for line in told)
    assert server.trouble is None
    server.stop()
    assert behind.stopped.is_set()


def test_one_that_is_refused_can_be_stopped(refused):
    server = refused(Refusing(["wrong password"] * 1000000))
    assert not server.listening
    server.stop()
    until(lambda: not server._starting.is_alive())
    assert server.trouble is None


def test_a_thread_that_has_died_is_told(refused, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    server = refused(Refusing(["no more memory"], SystemError))
    until(lambda: server.listening)
    server = refused(Refusing(["the end"], SystemExit))
    until(lambda: server.trouble)
    assert server.trouble == "Listening to the bus: the thread has died"


def test_of_a_bus_in_the_process_no_broker_is_told(caplog):
    server = EngineServer(configured("fake://"), object())
    with caplog.at_level(logging.INFO):
        server.start()
        until(lambda: server.listening)
        server.stop()
    assert "broker" not in caplog.text


@pytest.mark.parametrize("url", ["nonsense://", "not a url"])
def test_a_bus_that_cannot_be_is_a_configuration_error(url):
    with pytest.raises(exception.ConfigurationError, match="transport_url"):
        EngineServer(configured(url), object())


def test_options_of_a_bus_are_there_without_one():
    conf = cfg.ConfigOpts()
    bus.stay_in_process(conf)
    conf([])
    assert conf.transport_url == "fake://"


def test_every_method_says_since_when_it_is_there():
    methods = {
        name
        for name, member in vars(EngineEndpoint).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    assert methods == bus.METHODS.keys()
    assert EngineEndpoint.target.version == bus.VERSION
    assert max(bus.METHODS.values(), key=_parts) == bus.VERSION
    assert {_parts(since)[0] for since in bus.METHODS.values()} == {1}


def _parts(version):
    return [int(part) for part in version.split(".")]


class EarlierEndpoint:
    """An engine of a release that has nothing but the first version."""

    target = bus.target(version="1.0")

    def __init__(self, woken):
        self._woken = woken

    def process_notification(self, ctxt, notification):
        self._woken.append(notification)


@pytest.fixture
def earlier():
    """An earlier engine on the bus, and what it was told."""
    conf = configured("fake://", host="engine-host")
    woken = []
    server = EngineServer(conf, EarlierEndpoint(woken))
    server.start()
    yield conf, woken
    server.stop()


def test_an_earlier_engine_is_woken(earlier):
    conf, woken = earlier
    client = EngineClient(conf)
    client.process_notification(context.admin("req-1"), notification())
    client._sender.shutdown()
    # What it was sent comes before what is asked now.
    call(conf, "1.0", "process_notification", notification={})
    assert woken[0] == wire.to_wire(notification())


def test_an_earlier_engine_refuses_what_it_does_not_have(earlier):
    """Our API does not ask engines; one that does has to answer for it."""
    with pytest.raises(oslo_messaging.UnsupportedVersion):
        call(
            earlier[0],
            bus.METHODS["get_notification_recovery_workflow_details"],
            "get_notification_recovery_workflow_details",
            notification=wire.to_wire(notification()),
        )
