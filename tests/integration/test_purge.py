# SPDX-License-Identifier: Apache-2.0
"""What is taken up again while old rows are removed."""

import contextlib
import datetime
import uuid

import pytest
import sqlalchemy

from masakari.db import claims, due, notifications, purge, tables
from masakari.db.session import Database
from masakari.domain import model
from masakari.services import interventions
from tests.functional.db import records
from tests.functional.db.cases.recoveries import crash
from tests.integration import servers

pytestmark = pytest.mark.integration

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def database(shared, clock):
    with servers.emptied(shared, clock) as database:
        yield database


@pytest.fixture
def purging(shared, clock):
    """Another connection, by which rows are removed."""
    database = Database(shared, clock=clock)
    yield database
    database.dispose()


@contextlib.contextmanager
def before_removal(purging, table, action):
    """Have something done when rows are chosen and not removed yet."""
    done = []

    def look(_connection, _cursor, statement, *_rest):
        if statement.startswith(f"DELETE FROM {table}") and not done:
            done.append(True)
            action()

    sqlalchemy.event.listen(purging.engine, "before_cursor_execute", look)
    yield
    assert done


def test_what_an_operator_has_tried_again_is_kept(database, purging, clock):
    old, other = (
        records.notification(database, status=model.NotificationStatus.FAILED)
        for _ in range(2)
    )
    for one in (old, other):
        records.change(
            database, tables.Notification, one.uuid, updated_at=clock.now
        )
    clock.advance(hours=2)

    def retry():
        assert interventions.retry(database, old.uuid, expiry=86400.0) is None

    with before_removal(purging, "notifications", retry):
        counts = purge.purge(purging, purging, before=clock.now - HOUR)
    kept = database.read(notifications.get, old.uuid)
    assert kept.status is model.NotificationStatus.ERROR
    assert counts["notifications"] == 1
    assert records.count(database, tables.Recovery) == 1


def test_a_claim_that_an_engine_has_taken_is_kept(database, purging, clock):
    instance = str(uuid.uuid4())
    crash(database, records.host(database), instance)
    database.write(claims.open_row, instance)
    (candidate,) = database.read(due.candidates, limit=10)
    made = []

    def take():
        made.append(
            database.write(
                claims.claim, candidate, owner="e", token="t", lease=30
            )
        )

    with before_removal(purging, "claims", take):
        purge.purge(purging, purging, before=clock.now - HOUR)
    (claim,) = made
    assert claim is not None
    assert database.write(claims.renew, claim, lease=30)
