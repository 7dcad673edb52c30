# SPDX-License-Identifier: Apache-2.0
"""Questions that are asked often, and one that hangs."""

import socket
import threading
import time

import pytest

from masakari import conf as configuration
from masakari import exception
from masakari.db.session import Database
from masakari.rpc import bus
from masakari.rpc.broker import Broker
from masakari.services import readiness
from tests.ports import free_port

PATIENCE = 10


class Question:
    """Counts how often it is asked, and how many ask at once."""

    def __init__(self, error=None):
        self.asked = 0
        self.open = 0
        self.error = error
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self):
        self.asked += 1
        self.open += 1
        assert self.go_on.wait(PATIENCE)
        self.open -= 1
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "good"),
    [
        (None, True),
        (exception.ServiceUnavailable(), False),
        (ConnectionRefusedError(), False),
    ],
    ids=repr,
)
def test_an_answer_holds_for_a_moment(monkeypatch, error, good):
    question = Question(error)
    probe = readiness.Probe(question)
    monkeypatch.setattr(readiness, "FRESHNESS", PATIENCE)
    assert [probe.good for _ in range(5)] == [good] * 5
    assert question.asked == 1
    monkeypatch.setattr(readiness, "FRESHNESS", 0)
    question.error = None
    assert probe.good
    assert question.asked == 2


def test_one_that_hangs_is_asked_once_and_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(readiness, "PATIENCE", 0.2)
    monkeypatch.setattr(readiness, "FRESHNESS", 0)
    question = Question()
    question.go_on.clear()
    probe = readiness.Probe(question)
    began = time.monotonic()
    assert [probe.good for _ in range(5)] == [False] * 5
    assert time.monotonic() - began < 2
    assert (question.asked, question.open) == (1, 1)
    question.go_on.set()
    probe.begin().join(PATIENCE)
    assert probe.good


def broker(url):
    conf = configuration.load([], prog="test", config_files=[])
    bus.stay_in_process(conf)
    conf.set_override("transport_url", url)
    return Broker(conf)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound.getsockname()[1]


def test_one_host_of_a_broker_is_enough(listener):
    port = free_port()
    url = f"rabbit://u:p@127.0.0.1:{port},u:p@127.0.0.1:{listener}/"
    broker(url).ping()
    with pytest.raises(OSError, match="refused"):
        broker(f"rabbit://u:p@127.0.0.1:{port}/").ping()


@pytest.mark.parametrize("url", ["fake://", "kombu+memory://", "kafka://h"])
def test_what_cannot_be_asked_counts_as_there(url):
    broker(url).ping()


def test_a_url_that_makes_no_sense_is_refused():
    with pytest.raises(exception.ConfigurationError, match="transport_url"):
        broker("rabbit://h:port")


def test_who_is_there(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/nowhere/db")
    dependencies = readiness.Dependencies(database, broker("fake://"))
    there = dependencies.check()
    assert there == {"database": False, "broker": True}
    assert readiness.in_words(there) == {"database": "away", "broker": "ok"}
