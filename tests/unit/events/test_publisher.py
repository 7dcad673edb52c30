# SPDX-License-Identifier: Apache-2.0
"""Events on their way to the bus, and that nobody waits for them."""

import logging
import multiprocessing
import socket
import threading
import time

import oslo_messaging
import pytest
from oslo_messaging.notify import _impl_test

from masakari import conf as configuration
from masakari import context, exception
from masakari.events import publisher
from masakari.events.publisher import Binary, Notifier, Phase
from masakari.rpc import bus
from tests.ports import free_port

GROUP = "oslo_messaging_notifications"


def configured(*drivers, url="fake://", own_url=None, topics=("other",)):
    conf = configuration.load([], prog="test", config_files=[])
    bus.stay_in_process(conf)
    oslo_messaging.get_notification_transport(conf, "fake://")
    conf.set_override("transport_url", url)
    conf.set_override("driver", list(drivers), GROUP)
    conf.set_override("transport_url", own_url, GROUP)
    conf.set_override("topics", list(topics), GROUP)
    return conf


def emit(notifier, number=1, phase=Phase.END, binary=None):
    notifier.emit(
        context.RequestContext(
            user_id="u",
            auth_token="secret",
            remote_address="192.0.2.1",
            timestamp="2026-11-23T12:00:00.000000",
            global_request_id="req-1",
        ),
        "segment.update",
        phase,
        {"number": number},
        binary=binary,
    )


@pytest.fixture
def heard():
    """What the driver ``test`` was given: contexts and envelopes."""
    _impl_test.reset()
    yield lambda: [(c, e) for c, e, *_ in _impl_test.NOTIFICATIONS]
    _impl_test.reset()


@pytest.fixture
def gate(monkeypatch):
    """Lets events through to the driver ``test`` when it is set."""
    opened, notify = threading.Event(), _impl_test.TestDriver.notify

    def wait(self, *args):
        opened.wait(30)
        notify(self, *args)

    monkeypatch.setattr(_impl_test.TestDriver, "notify", wait)
    yield opened
    opened.set()


def numbers(heard):
    return [envelope["payload"]["number"] for _, envelope in heard()]


def senders():
    return [t for t in threading.enumerate() if t.name == "events"]


@pytest.fixture(autouse=True)
def _threads():
    """Nobody goes on sending."""
    yield
    for thread in senders():
        thread.join(10)
    assert senders() == []


class TestWithoutDriver:
    @pytest.mark.parametrize("drivers", [(), ("noop",), ("",), ("noop", "")])
    def test_nothing_is_done(self, heard, drivers):
        notifier = Notifier(configured(*drivers), Binary.API)
        emit(notifier)
        assert senders() == []
        notifier.close()
        assert heard() == []

    def test_the_transport_does_not_matter(self):
        notifier = Notifier(configured(url="nonsense://"), Binary.API)
        emit(notifier)
        notifier.close()

    def test_by_default(self):
        conf = configuration.load([], prog="test", config_files=[])
        notifier = Notifier(conf, Binary.ENGINE)
        emit(notifier)
        assert senders() == []
        notifier.close()


class TestConfiguration:
    @pytest.mark.parametrize("url", ["nonsense://", "not a url"])
    def test_a_bus_that_cannot_be(self, url):
        with pytest.raises(exception.ConfigurationError, match="transport_u"):
            Notifier(configured("messagingv2", url=url), Binary.API)

    def test_the_transport_of_events_goes_first(self):
        Notifier(
            configured("test", url="nonsense://", own_url="fake://"),
            Binary.API,
        ).close()
        with pytest.raises(exception.ConfigurationError, match=GROUP):
            Notifier(configured("test", own_url="nonsense://"), Binary.API)

    def test_the_topic_is_always_the_same(self):
        conf = configured("messagingv2", topics=("notifications",))
        arrived = []

        class Endpoint:
            def info(self, context, publisher_id, event, payload, metadata):
                arrived.append((publisher_id, event, payload))

        listener = oslo_messaging.get_notification_listener(
            oslo_messaging.get_notification_transport(conf),
            [oslo_messaging.Target(topic="versioned_notifications")],
            [Endpoint()],
            executor="threading",
        )
        listener.start()
        notifier = Notifier(conf, Binary.ENGINE)
        emit(notifier)
        notifier.close()
        end = time.monotonic() + 10
        while not arrived and time.monotonic() < end:
            time.sleep(0.01)
        listener.stop()
        listener.wait()
        assert arrived == [
            (
                f"masakari-engine:{socket.gethostname()}",
                "segment.update.end",
                {"number": 1},
            )
        ]


class TestEvents:
    def test_the_envelope(self, heard):
        notifier = Notifier(configured("test"), Binary.API)
        emit(notifier, 1, Phase.START)
        emit(notifier, 2, Phase.END, Binary.ENGINE)
        emit(notifier, 3, Phase.ERROR)
        notifier.close()
        host = socket.gethostname()
        assert [
            (e["event_type"], e["priority"], e["publisher_id"], e["payload"])
            for _, e in heard()
        ] == [
            (
                "segment.update.start",
                "INFO",
                f"masakari-api:{host}",
                {"number": 1},
            ),
            (
                "segment.update.end",
                "INFO",
                f"masakari-engine:{host}",
                {"number": 2},
            ),
            (
                "segment.update.error",
                "ERROR",
                f"masakari-api:{host}",
                {"number": 3},
            ),
        ]
        assert set(heard()[0][1]) == {
            "message_id", "publisher_id", "event_type", "priority", "payload",
            "timestamp",
        }  # fmt: skip

    def test_the_context_says_who_asked_and_not_with_what(self, heard):
        notifier = Notifier(configured("test"), Binary.API)
        emit(notifier)
        notifier.close()
        ((values, _),) = heard()
        assert set(values) == set(context.admin().to_dict())
        assert values["user_id"] == "u"
        assert values["global_request_id"] == "req-1"
        assert values["remote_address"] == "192.0.2.1"
        assert values["timestamp"] == "2026-11-23T12:00:00.000000"
        assert values["auth_token"] is None

    def test_their_order_is_kept(self, heard):
        notifier = Notifier(configured("test"), Binary.API)
        for number in range(500):
            emit(notifier, number, list(Phase)[number % 3])
        notifier.close()
        assert numbers(heard) == list(range(500))

    def test_one_thread_sends_for_all(self, heard):
        notifier = Notifier(configured("test"), Binary.API)
        threads = [
            threading.Thread(target=emit, args=(notifier, number))
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(senders()) == 1
        notifier.close()
        assert sorted(numbers(heard)) == list(range(20))

    def test_one_that_cannot_be_sent_is_logged(
        self, heard, monkeypatch, caplog
    ):
        make, failures = oslo_messaging.Notifier, [ValueError("not now")]

        def fail(*args, **kwargs):
            if failures:
                raise failures.pop()
            return make(*args, **kwargs)

        monkeypatch.setattr(oslo_messaging, "Notifier", fail)
        notifier = Notifier(configured("test"), Binary.API)
        emit(notifier, 1)
        emit(notifier, 2)
        notifier.close()
        assert numbers(heard) == [2]
        assert "segment.update.end could not be sent" in caplog.text
        assert "not now" in caplog.text


class TestBacklog:
    def full(self, monkeypatch, gate):
        """A notifier with one event on its way and two that wait."""
        monkeypatch.setattr(publisher, "BACKLOG", 2)
        notifier = Notifier(configured("test"), Binary.API)
        emit(notifier, 0)
        end = time.monotonic() + 10
        while notifier._waiting.qsize() and time.monotonic() < end:
            time.sleep(0.001)
        emit(notifier, 1)
        emit(notifier, 2)
        return notifier

    def test_more_are_dropped_and_that_is_said_once(
        self, heard, gate, monkeypatch, caplog
    ):
        caplog.set_level(logging.WARNING)
        notifier = self.full(monkeypatch, gate)
        assert caplog.text == ""
        began = time.monotonic()
        for number in range(3, 100):
            emit(notifier, number)
        assert time.monotonic() - began < 5
        assert caplog.text.count("are dropped until there is room") == 1
        gate.set()
        notifier.close()
        assert numbers(heard) == [0, 1, 2]

    def test_it_goes_on_when_there_is_room(self, heard, gate, monkeypatch):
        notifier = self.full(monkeypatch, gate)
        emit(notifier, 3)
        gate.set()
        end = time.monotonic() + 10
        while len(heard()) < 3 and time.monotonic() < end:
            time.sleep(0.001)
        emit(notifier, 4)
        notifier.close()
        assert numbers(heard) == [0, 1, 2, 4]


class TestEnd:
    def test_what_waits_is_sent(self, heard):
        notifier = Notifier(configured("test"), Binary.API)
        for number in range(50):
            emit(notifier, number)
        notifier.close()
        assert numbers(heard) == list(range(50))
        emit(notifier, 50)
        notifier.close()
        assert len(heard()) == 50

    def test_a_bus_that_hangs_is_left(self, gate, monkeypatch):
        monkeypatch.setattr(publisher, "CLOSE_TIMEOUT", 0.1)
        notifier = Notifier(configured("test"), Binary.API)
        emit(notifier)
        began = time.monotonic()
        notifier.close()
        assert time.monotonic() - began < 5
        (sender,) = senders()
        assert sender.daemon

    def test_a_broker_that_is_away_keeps_nobody_waiting(self, monkeypatch):
        monkeypatch.setattr(publisher, "CLOSE_TIMEOUT", 0.1)
        url = f"rabbit://guest:guest@127.0.0.1:{free_port()}/"
        notifier = Notifier(configured("messagingv2", url=url), Binary.API)
        began = time.monotonic()
        emit(notifier)
        notifier.close()
        assert time.monotonic() - began < 5


def _in_child(notifier, connection):
    _impl_test.reset()
    emit(notifier, 2)
    notifier.close()
    connection.send(
        [e["payload"]["number"] for _, e, *_ in _impl_test.NOTIFICATIONS]
    )


def test_a_server_may_fork_before_the_first_event(heard):
    notifier = Notifier(configured("test"), Binary.API)
    ours, theirs = multiprocessing.Pipe()
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=_in_child, args=(notifier, theirs))
    child.start()
    emit(notifier, 1)
    assert ours.poll(30)
    assert ours.recv() == [2]
    child.join(30)
    assert child.exitcode == 0
    notifier.close()
    assert numbers(heard) == [1]
