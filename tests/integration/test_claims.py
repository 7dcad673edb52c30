# SPDX-License-Identifier: Apache-2.0
"""Engines that race for a notification, on the databases clouds have."""

import threading
import time
import uuid
from concurrent import futures

import pytest
from oslo_db import exception as db_exception
from sqlalchemy import orm

from masakari import exception
from masakari.db import claims, notifications, schema
from masakari.db.session import Database
from masakari.domain import verdict
from masakari.domain.model import Candidate, NotificationStatus
from tests.functional.db import records
from tests.integration import deployment, servers

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", params=sorted(servers.URLS))
def database(request):
    with servers.new_database(request.param) as url:
        database = Database(url)
        schema.create_all(database)
        yield database
        database.dispose()


@pytest.fixture
def candidate(database):
    """A notification of a host that nobody has held yet."""
    return _candidate(database)


def _candidate(database):
    host = records.host(database)
    notification = records.notification(database, host)
    return Candidate(
        notification_uuid=notification.uuid,
        type=notification.type,
        subject=host.uuid,
    )


def _claim(database, candidate, lease=15.0):
    database.write(claims.open_row, candidate.subject)
    return database.write(
        claims.claim,
        candidate,
        owner="engine",
        token=str(uuid.uuid4()),
        lease=lease,
    )


def test_of_engines_at_the_same_moment_one_wins(database, candidate):
    barrier = threading.Barrier(12)

    def run(_):
        barrier.wait(10)
        return _claim(database, candidate)

    with futures.ThreadPoolExecutor(12) as pool:
        results = list(pool.map(run, range(12)))
    assert len([claim for claim in results if claim]) == 1


def test_a_claim_that_lapsed_is_taken_over_once(database, candidate):
    first = _claim(database, candidate, lease=0.0)
    second = _claim(database, candidate)
    assert second is not None
    assert _claim(database, candidate) is None
    with pytest.raises(exception.ClaimLost):
        database.write(
            claims.finish, first, verdict.finished(), lease=15, retry_in=0
        )
    database.write(
        claims.finish, second, verdict.finished(), lease=15, retry_in=0
    )
    found = database.read(notifications.get, candidate.notification_uuid)
    assert found.status is NotificationStatus.FINISHED
    assert _claim(database, candidate) is None


def test_a_claim_is_renewed_however_often(database, candidate):
    claim = _claim(database, candidate)
    for _ in range(5):
        assert database.write(claims.renew, claim, lease=15)


def test_an_engine_that_hangs_in_a_transaction_holds_up_nobody(
    database, candidate
):
    """As in a machine that is suspended, or cut off from the database."""
    held = _claim(database, candidate, lease=0.0)
    hanging, over = threading.Event(), threading.Event()

    def hang(session):
        claims.renew(session, held, lease=0.0)
        hanging.set()
        over.wait(30)

    with futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(database.write, hang)
        assert hanging.wait(10)
        began = time.monotonic()
        second = pool.submit(_claim, database, candidate)
        try:
            assert second.result(8) is None
            assert time.monotonic() - began < 5
        finally:
            over.set()
        first.result(10)
    assert _claim(database, candidate) is not None


def test_who_hangs_in_one_claim_does_not_keep_others_from_being_renewed(
    database, candidate
):
    stuck = _claim(database, candidate)
    free = _claim(database, _candidate(database))
    hanging, over = threading.Event(), threading.Event()

    def hang(session):
        claims.renew(session, stuck, lease=15)
        hanging.set()
        over.wait(30)

    with futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(database.write, hang)
        assert hanging.wait(10)
        second = pool.submit(
            database.write, claims.renew_all, [stuck, free], lease=15
        )
        try:
            assert second.result(5) == {free.token: True}
        finally:
            over.set()
        first.result(10)
    assert database.write(claims.renew_all, [stuck, free], lease=15) == {
        stuck.token: True,
        free.token: True,
    }


def test_an_engine_that_froze_in_a_transaction_is_succeeded(
    database, candidate
):
    frozen = Database(
        database.engine.url.render_as_string(hide_password=False),
        answer_within=1,
    )
    frozen.write(claims.open_row, candidate.subject)
    claim = _claim(frozen, candidate, lease=0.1)
    with orm.Session(frozen.engine) as session:
        assert claims.renew(session, claim, lease=0.1)
        deployment.wait_for(lambda: _claim(database, candidate), timeout=10)
        with pytest.raises(db_exception.DBConnectionError):
            session.commit()
    frozen.dispose()
