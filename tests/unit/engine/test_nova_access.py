# SPDX-License-Identifier: Apache-2.0
import logging

import pytest

from masakari.engine.nova_access import (
    IDLE_INTERVAL,
    REMINDER_INTERVAL,
    RETRY_INTERVAL,
    NovaAccess,
)
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.simulation.clock import SimulatedClock


class Engine:
    """Who asks, and what the log says of it."""

    def __init__(self, caplog):
        caplog.set_level(logging.INFO)
        self._caplog = caplog
        self.clock = SimulatedClock()
        self.cloud = Cloud(self.clock.epoch)
        self.cloud.add_host("compute-1")
        self.cloud.add_host("compute-2")
        self.access = NovaAccess(SimulatedCompute(self.cloud), self.clock)

    def fault(self, code):
        self.cloud.faults.add("compute_services", code, message="Because.")

    def check_for(self, seconds):
        """Ask as often as an engine does."""
        for _ in range(int(seconds / RETRY_INTERVAL)):
            self.access.check()
            self.clock.pass_time(RETRY_INTERVAL)

    def told(self):
        records = [(r.levelname, r.getMessage()) for r in self._caplog.records]
        self._caplog.clear()
        return records


@pytest.fixture
def engine(caplog):
    return Engine(caplog)


def test_nova_that_answers_is_told_once(engine):
    engine.check_for(2 * IDLE_INTERVAL)
    assert engine.access.usable
    assert engine.told() == [
        ("INFO", "Nova answers: it has 2 compute services, 2 of them up")
    ]


def test_nova_is_not_asked_all_the_time_while_it_answers(engine):
    engine.check_for(IDLE_INTERVAL)
    assert engine.cloud.counts["compute_services"] == 1


def test_credentials_that_are_wrong(engine):
    engine.fault(401)
    engine.check_for(REMINDER_INTERVAL)
    ((level, text),) = engine.told()
    assert level == "ERROR"
    assert text.startswith("Nova does not let Masakari in.")
    assert text.endswith("Because.")
    assert not engine.access.usable
    assert engine.access.denied == "Because."


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [
        ("compute_services", "compute services"),
        ("servers", "the servers of all projects with their hosts"),
        ("evacuations", "migrations"),
        ("aggregates", "aggregates"),
    ],
)
def test_an_account_that_may_not_do_all(engine, verb, wanted):
    engine.cloud.faults.add(verb, 403, message="Policy doesn't allow it.")
    engine.access.check()
    assert engine.access.denied == (
        "The user of the simulator is no administrator in Nova: it may not "
        f"list {wanted}. Policy doesn't allow it."
    )


def test_credentials_that_are_put_right(engine):
    engine.fault(401)
    engine.access.check()
    engine.cloud.faults.clear()
    engine.check_for(2 * RETRY_INTERVAL)
    assert engine.access.usable
    assert engine.told()[-1][1].startswith("Nova answers")


def test_a_password_that_is_changed_while_nothing_happens(engine):
    engine.access.check()
    engine.fault(401)
    engine.check_for(IDLE_INTERVAL + RETRY_INTERVAL)
    assert engine.access.denied


def test_nova_that_is_away(engine):
    engine.fault(503)
    engine.check_for(REMINDER_INTERVAL)
    ((level, text),) = engine.told()
    assert level == "WARNING"
    assert text.endswith("Because.")
    assert not engine.access.usable
    assert engine.access.denied is None


def test_an_outage_is_told_again_now_and_then(engine):
    engine.fault(503)
    engine.check_for(4 * REMINDER_INTERVAL)
    assert len(engine.told()) == 4
