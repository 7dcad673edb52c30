# SPDX-License-Identifier: Apache-2.0
"""How an engine keeps the claims that it has, and gives them up."""

import dataclasses
import threading
from concurrent import futures
from typing import Any

import pytest
import sqlalchemy

from masakari.db import claims, due, schema
from masakari.db.session import Database
from masakari.engine.intake import Intake
from masakari.engine.nova_access import NovaAccess
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.functional.db import records

LEASE = 15.0


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Waiting(futures.Executor):
    """Recoveries that are begun some time."""

    def submit(self, *_args: Any, **_kwargs: Any) -> Any:
        """It is not now."""


@dataclasses.dataclass
class World:
    """What an intake uses of it."""

    database: Any
    clock: Clock
    stopping: threading.Event
    access: NovaAccess


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/masakari.sqlite")
    schema.create_all(database)
    yield database
    database.dispose()


@pytest.fixture
def world(database):
    clock = Clock()
    access = NovaAccess(SimulatedCompute(Cloud(clock.monotonic)), clock)
    return World(database, clock, threading.Event(), access)


@pytest.fixture
def intake(world):
    """It has claimed five notifications."""
    segment = records.segment(world.database)
    for _ in range(5):
        records.notification(
            world.database, records.host(world.database, segment)
        )
    made = Intake(
        world,
        Waiting(),
        owner="engine",
        capacity=32,
        lease=LEASE,
        recover=lambda _lease: None,
        on_done=lambda: None,
    )
    assert made.poll() == 5
    return made


@pytest.fixture
def commits(database):
    seen = []
    sqlalchemy.event.listen(
        database.engine, "commit", lambda connection: seen.append(connection)
    )
    return seen


def test_all_claims_are_renewed_in_one_commit(world, intake, commits):
    """Those of many recoveries do not run out as each commit takes time."""
    sqlalchemy.event.listen(
        world.database.engine, "commit", lambda _: _take_time(world, 10)
    )
    world.clock.now += 10
    intake.renew()
    assert len(commits) == 1
    assert [lease.held for lease in intake.leases] == [True] * 5
    # It was asked for ten seconds before the answer.
    world.clock.now += LEASE - 10 - 0.1
    assert [lease.held for lease in intake.leases] == [True] * 5
    world.clock.now += 0.1
    assert [lease.held for lease in intake.leases] == [False] * 5


def _take_time(world, seconds):
    world.clock.now += seconds


def test_a_claim_that_is_lost_is_lost_alone(world, intake):
    lost, *rest = intake.leases
    world.database.write(claims.hand_back, lost.claim)
    world.clock.now += 10
    intake.renew()
    world.clock.now += 10
    assert not lost.held
    assert [lease.held for lease in rest] == [True] * 4


def test_who_works_on_nothing_renews_nothing(world, intake, commits):
    for lease in intake.leases:
        intake._work(lease)
    intake.renew()
    intake.release()
    assert commits == []


def test_what_cannot_be_stopped_is_left_until_its_lease_ends(
    world, intake, commits, caplog
):
    """Others must not begin while it may still be in a call to Nova."""
    leases = intake.leases
    intake.release()
    assert [lease.held for lease in leases] == [False] * 5
    assert commits == []
    assert not world.database.read(due.candidates, limit=10)
    for lease in leases:
        assert lease.claim.notification.uuid in caplog.text


def test_a_host_is_held_like_a_notification(world, intake):
    host = records.host(world.database, name="idle")
    with intake.hold(host.uuid) as lease:
        world.clock.now += 10
        intake.renew()
        world.clock.now += 10
        assert lease.held
        with intake.hold(host.uuid) as other:
            assert other is None
    assert not lease.held
    assert lease not in intake.leases
    with intake.hold(host.uuid) as again:
        assert again.held


def test_a_host_is_given_up_whatever_happens(world, intake):
    host = records.host(world.database, name="idle")
    with pytest.raises(KeyError), intake.hold(host.uuid):
        raise KeyError
    with intake.hold(host.uuid) as again:
        assert again.held


def test_a_host_that_is_being_recovered_is_not_held(world, intake):
    (claim, *_) = (lease.claim for lease in intake.leases)
    with intake.hold(claim.subject) as lease:
        assert lease is None


def test_an_engine_that_stops_holds_nothing(world, intake):
    host = records.host(world.database, name="idle")
    world.stopping.set()
    with intake.hold(host.uuid) as lease:
        assert lease is None
