# SPDX-License-Identifier: Apache-2.0
"""What operators see and change behind the engines' backs."""

import datetime

import pytest

from masakari import exception
from masakari.db import due, hosts, interventions, tables
from masakari.domain import verdict
from masakari.domain.model import NotificationStatus
from masakari.services import interventions as services
from tests.functional.db import records
from tests.functional.db.cases import STRANGE
from tests.functional.db.cases.recoveries import claimable, claimed, ended

EXPIRY = 86400


def failed(database, **values):
    """One that was tried twice, in vain."""
    notification = records.notification(database, **values)
    ended(database, claimed(database, notification), verdict.error("no room"))
    records.change(
        database, tables.Recovery, notification.uuid, next_attempt_at=0
    )
    ended(database, claimed(database, notification), verdict.failed("full"))
    return notification


def left_by_an_old_engine(database, age):
    """Engines up to 21.0.0 have no claims."""
    notification = records.notification(database)
    records.change(
        database,
        tables.Notification,
        notification.uuid,
        status="running",
        updated_at=records.EPOCH - datetime.timedelta(seconds=age),
    )
    return notification


def seen(database, notification):
    return database.read(interventions.situation, notification.uuid)


def retry(database, notification):
    return services.retry(database, notification.uuid, expiry=EXPIRY)


def uuids(situations):
    return [situation.notification.uuid for situation in situations]


class Interventions:
    def test_what_failed_gets_one_more_attempt(self, database):
        notification = failed(database)
        assert claimable(database) == []
        assert retry(database, notification) is None
        found = seen(database, notification)
        assert found.notification.status is NotificationStatus.ERROR
        assert found.notification.message == (
            "Tried again because an operator asked for it. Before: full"
        )
        claim = claimed(database, notification)
        assert claim.attempt == 3
        assert verdict.after_attempt(
            verdict.error("again"), claim.attempt
        ) == verdict.failed("again")

    def test_what_is_in_error_need_not_wait(self, database):
        notification = records.notification(database)
        ended(database, claimed(database, notification), verdict.error("no"))
        assert claimable(database) == []
        assert 100 < seen(database, notification).next_attempt_in <= 120
        assert retry(database, notification) is None
        assert seen(database, notification).next_attempt_in is None
        assert claimed(database, notification).attempt == 2

    def test_what_an_old_engine_gave_up_can_be_tried_again(self, database):
        notification = records.notification(database)
        records.change(
            database, tables.Notification, notification.uuid, status="failed"
        )

        def forget(session):
            session.query(tables.Recovery).delete()

        database.write(forget)
        assert retry(database, notification) is None
        assert claimed(database, notification).attempt == 2

    def test_an_engine_that_was_faster_is_not_overwritten(self, database):
        notification = records.notification(database)
        ended(database, claimed(database, notification), verdict.error("no"))
        before = seen(database, notification).notification
        records.change(
            database, tables.Recovery, notification.uuid, next_attempt_at=0
        )
        claimed(database, notification)
        assert not database.write(
            interventions.retry, before, verdict.error("mine")
        )
        assert not database.write(interventions.release, before)
        found = seen(database, notification)
        assert found.notification.status is NotificationStatus.RUNNING
        assert found.notification.message is None
        assert found.owner == "e"
        assert found.held

    def test_a_host_that_is_not_registered_any_more(self, database):
        host = records.host(database)
        notification = failed(database, of=host)
        database.write(hosts.delete, host.uuid)
        assert "not registered" in retry(database, notification).reason
        assert seen(database, notification).host_name == host.name

    def test_too_old_by_the_engines_rule(self, database, clock):
        notification = failed(database)
        clock.advance(seconds=EXPIRY + 1)
        assert "older than" in retry(database, notification).reason

    def test_what_an_old_engine_left_running_is_released(self, database):
        notification = left_by_an_old_engine(database, due.FOREIGN_GRACE - 9)
        assert claimable(database) == []
        assert services.release(database, notification.uuid) is None
        assert claimed(database, notification).attempt == 1

    def test_what_is_held_is_not_released_until_the_lease_ends(self, database):
        notification = records.notification(database)
        claim = claimed(database, notification)
        refusal = services.release(database, notification.uuid)
        assert "engine e holds it" in refusal.reason
        records.add(
            database,
            tables.Claim(
                subject=claim.subject,
                notification_uuid=notification.uuid,
                owner="e",
                token=claim.token,
                expires_at=1000,
            ),
        )
        assert services.release(database, notification.uuid) is None
        assert claimed(database, notification).attempt == 1

    @pytest.mark.parametrize("uuid", STRANGE, ids=ascii)
    def test_what_is_not_there_is_told(self, database, uuid):
        records.notification(database)
        with pytest.raises(exception.NotificationNotFound):
            database.read(interventions.situation, uuid)

    def test_what_there_is_to_look_at(self, database, clock):
        old = failed(database)
        clock.advance(days=2)
        recent = failed(database)
        done = records.notification(database)
        ended(database, claimed(database, done))
        held = records.notification(database)
        claimed(database, held)
        waits = records.notification(database)
        day = 86400

        def unsettled():
            return uuids(database.read(interventions.unsettled, since=day))

        assert unsettled() == [recent.uuid, held.uuid, waits.uuid]
        assert uuids(database.read(interventions.claimed)) == [held.uuid]

        def matching(**wanted):
            return uuids(database.read(interventions.matching, **wanted))

        assert matching(statuses=[NotificationStatus.FAILED]) == [
            old.uuid,
            recent.uuid,
        ]
        assert len(matching()) == 5
        assert matching(since=day) == [
            recent.uuid,
            done.uuid,
            held.uuid,
            waits.uuid,
        ]
        host = seen(database, done).host_name
        assert matching(host=host) == [done.uuid]
        assert matching(host=host, since=0) == [done.uuid]
        clock.advance(seconds=2)
        assert matching(host=host, since=1) == []

    @pytest.mark.parametrize("name", STRANGE, ids=ascii)
    def test_of_a_host_that_is_not_there_there_is_nothing(
        self, database, name
    ):
        records.notification(database)
        assert database.read(interventions.matching, host=name) == []

    def test_a_host_whose_failure_was_ignored_may_be_down(
        self, database, clock
    ):
        def ignored(**values):
            notification = records.notification(database, **values)
            claim = claimed(database, notification)
            ended(database, claim, verdict.ignored("UNKNOWN"))
            return notification.uuid

        def unsettled():
            return uuids(database.read(interventions.unsettled, since=60))

        host = ignored()
        ignored(type="PROCESS")
        assert unsettled() == [host]
        clock.advance(seconds=61)
        assert unsettled() == []
