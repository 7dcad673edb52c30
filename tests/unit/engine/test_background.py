# SPDX-License-Identifier: Apache-2.0
import threading
import types
from concurrent import futures

import pytest

from masakari.engine.clock import SystemClock
from masakari.engine.evacuation.background import Background
from masakari.nova import port


class Lease:
    held = True

    def check(self):
        """It is ours."""


@pytest.fixture
def pool():
    with futures.ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture
def lease():
    return Lease()


@pytest.fixture
def background(pool, lease):
    return Background(pool, SystemClock(), lease)


class Nova:
    """It answers when it is told to."""

    def __init__(self):
        self.asked, self.answer = threading.Event(), threading.Event()
        self.done = False

    def call(self):
        self.asked.set()
        assert self.answer.wait(10)
        self.done = True


def submit(background, call):
    flight = types.SimpleNamespace(phase=None, asked_at=None)
    background.submit(flight, call, done=None, failed=None)


def test_it_ends_when_the_call_under_way_is_answered(background):
    nova, made = Nova(), []
    submit(background, nova.call)
    submit(background, lambda: made.append("late"))
    assert nova.asked.wait(10)
    closing = threading.Thread(target=background.close)
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    nova.answer.set()
    closing.join(10)
    assert not closing.is_alive()
    assert nova.done
    assert made == []


def test_without_the_claim_nobody_waits(background, lease):
    nova = Nova()
    submit(background, nova.call)
    assert nova.asked.wait(10)
    lease.held = False
    background.close()
    assert not nova.done
    nova.answer.set()


def test_time_in_the_queue_is_not_time_of_nova(background):
    nova, later = Nova(), threading.Event()
    submit(background, nova.call)
    assert nova.asked.wait(10)
    flight = types.SimpleNamespace(phase=None, asked_at=None)
    background.submit(flight, later.set, done=None, failed=None)
    queued_at = flight.asked_at
    nova.answer.set()
    assert later.wait(10)
    assert flight.asked_at > queued_at


def test_wrong_credentials_are_about_no_instance(background):
    def denied():
        raise port.Denied("Who are you?", code=401)

    submit(background, denied)
    background.close()
    with pytest.raises(port.Denied):
        background.handle_answers()
