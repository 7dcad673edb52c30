# SPDX-License-Identifier: Apache-2.0
"""Heartbeats of engines."""

import datetime

from masakari.db import engines, tables
from masakari.domain.model import EngineState, Identity
from tests.functional.db import records


def identity(name, **values):
    given = {
        "name": name,
        "host": "controller-1",
        "version": "22.0.0",
        "started_at": records.EPOCH,
    } | values
    return Identity(**given)


def beat(database, name, *, lease=15, stopping=False, **values):
    database.write(
        engines.beat, identity(name, **values), lease=lease, stopping=stopping
    )


def listed(database):
    return {e.name: e.state for e in database.read(engines.select)}


class Engines:
    def test_an_engine_is_up_as_long_as_its_heart_beats(self, database):
        beat(database, "one")
        beat(database, "one")
        (found,) = database.read(engines.select)
        assert (found.name, found.host) == ("one", "controller-1")
        assert (found.version, found.started_at) == ("22.0.0", records.EPOCH)
        assert found.state is EngineState.UP
        assert 10 < found.lease_left <= 15
        beat(database, "one", lease=-3)
        (found,) = database.read(engines.select)
        assert found.state is EngineState.DOWN
        assert -8 < found.lease_left <= -3

    def test_one_that_stops_says_so_and_leaves(self, database):
        for name in ("one", "two"):
            beat(database, name)
        beat(database, "one", stopping=True)
        assert listed(database) == {
            "one": EngineState.STOPPING,
            "two": EngineState.UP,
        }
        database.write(engines.leave, "one")
        assert listed(database) == {"two": EngineState.UP}

    def test_they_are_in_the_order_of_hosts_and_starts(self, database):
        later = records.EPOCH + datetime.timedelta(hours=1)
        beat(database, "a", host="c-2")
        beat(database, "b", host="c-1", started_at=later)
        beat(database, "c", host="c-1")
        assert list(listed(database)) == ["c", "b", "a"]

    def test_the_dead_are_forgotten_after_a_day(self, database):
        beat(database, "gone", lease=-engines.MEMORY - 60)
        beat(database, "recent", lease=-engines.MEMORY + 60)
        beat(database, "here")
        assert listed(database) == {
            "here": EngineState.UP,
            "recent": EngineState.DOWN,
        }
        assert records.count(database, tables.Engine) == 2
