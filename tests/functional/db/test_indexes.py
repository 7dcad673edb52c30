# SPDX-License-Identifier: Apache-2.0
"""What is asked in the midst of a recovery reads no table from end to end."""

import functools
import re

import pytest
import sqlalchemy

from masakari.db import (
    due,
    moves,
    notifications,
    outages,
    segments,
    turns,
)
from tests.functional.db import records

#: They grow for as long as nobody purges them.
LONG = {"notifications", "recoveries", "vmoves", "vmove_plans"}

ASKED = {
    "an evacuation": (moves.evacuated_from, "i", "compute-1"),
    "origins": (moves.left_behind, "compute-1", ["i", "j"]),
    "moves of others": (moves.under_way, "n", ["i", "j"]),
    "moves of an attempt": (moves.of_attempt, "n", 1),
    "the latest moves": (moves.latest, "n"),
    "restarts": (notifications.being_restarted, ["i", "j"]),
    "reports since": (
        functools.partial(
            notifications.of_host, since=records.EPOCH, about="nova-compute"
        ),
        "h",
        "PROCESS",
    ),
    "reports after": (
        functools.partial(notifications.of_host, after=7),
        "h",
        "PROCESS",
    ),
    "a failing host": (due.host_is_failing, "h"),
    "a notification": (notifications.find, "n"),
    "a segment in use": (segments.under_recovery, "s"),
    "the lifting": (turns.note_lifting, "h"),
    "the outage": (outages.of_host, "h"),
}


@pytest.mark.parametrize("what", ASKED)
def test_it_goes_by_an_index(database, what):
    asked = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        asked.append((statement, parameters))

    sqlalchemy.event.listen(database.engine, "before_cursor_execute", note)
    function, *arguments = ASKED[what]
    database.write(function, *arguments)
    sqlalchemy.event.remove(database.engine, "before_cursor_execute", note)
    assert asked
    with database.transaction() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", parameters
            )
            read = {
                table
                for row in plan
                for table in re.findall(r"^SCAN (\w+)", row[3])
            }
            assert not read & LONG, statement


def test_what_is_read_from_end_to_end_is_noticed(database):
    with database.transaction() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM vmoves WHERE message = 'x'"
        )
        assert [row[3] for row in plan] == ["SCAN vmoves"]
