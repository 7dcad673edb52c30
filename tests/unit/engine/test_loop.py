# SPDX-License-Identifier: Apache-2.0
import logging
import threading
import types

import pytest

from masakari import exception
from masakari.engine import loop

PATIENCE = 10


@pytest.fixture
def make():
    made = []

    def begin(action, interval=0.0, patience=60):
        made.append(
            loop.Loop(
                action, what="The work", interval=interval, patience=patience
            )
        )
        return made[-1]

    yield begin
    for one in made:
        one.end()
        one.join()


class Turns:
    """Counts turns; ``fail`` is raised in the next one."""

    def __init__(self):
        self.count = 0
        self.fail = None
        self._more = threading.Condition()

    def __call__(self):
        with self._more:
            self.count += 1
            self._more.notify_all()
            error, self.fail = self.fail, None
        if error is not None:
            raise error

    def wait(self, count):
        with self._more:
            return self._more.wait_for(lambda: self.count >= count, PATIENCE)


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (exception.ServiceUnavailable(), logging.WARNING),
        (RuntimeError("a slip"), logging.ERROR),
    ],
)
def test_an_error_ends_a_turn_and_no_more(make, caplog, error, level):
    turns = Turns()
    turns.fail = error
    one = make(turns)
    one.start()
    assert turns.wait(3)
    assert one.trouble is None
    (told,) = caplog.records
    assert told.levelno == level
    assert told.getMessage().startswith("The work failed")


def test_it_turns_sooner_when_told(make):
    turns = Turns()
    one = make(turns, interval=600)
    one.start()
    assert turns.wait(1)
    one.wake()
    assert turns.wait(2)


def test_its_interval_is_from_turn_to_turn(make, monkeypatch):
    """However long a turn takes, as with a database that is slow."""
    now = [1000.0]
    monkeypatch.setattr(
        loop, "time", types.SimpleNamespace(monotonic=lambda: now[0])
    )
    turns = Turns()

    def turn():
        now[0] += 600
        turns()

    make(turn, interval=600).start()
    assert turns.wait(2)


def test_it_ends_in_the_midst_of_a_rest(make):
    turns = Turns()
    one = make(turns, interval=600)
    one.start()
    assert turns.wait(1)
    one.end()
    one.join()
    assert one.trouble is None


def test_one_that_never_began_has_no_trouble_and_an_end(make):
    one = make(Turns())
    assert one.trouble is None
    one.end()
    one.join()


@pytest.mark.parametrize("patience", [0, 60])
def test_one_that_hangs_is_in_trouble_after_a_while(make, patience):
    begun, go_on = threading.Event(), threading.Event()
    turns = Turns()

    def hang():
        turns()
        begun.set()
        assert go_on.wait(PATIENCE)

    one = make(hang, patience=patience)
    one.start()
    assert begun.wait(PATIENCE)
    told = "The work: the thread hangs for 0 seconds"
    assert one.trouble == (None if patience else told)
    go_on.set()
    assert turns.wait(2)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)
def test_one_whose_thread_has_died_is_in_trouble(make):
    turns = Turns()
    turns.fail = SystemExit()
    one = make(turns)
    one.start()
    one.join()
    assert one.trouble == "The work: the thread has died"
