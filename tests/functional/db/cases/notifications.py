# SPDX-License-Identifier: Apache-2.0
import datetime
import functools

import pytest

from masakari import exception
from masakari.db import notifications, query, tables, turns
from masakari.domain import model
from tests.functional.db import records
from tests.functional.db.cases import ALL, STRANGE


class Notifications:
    @pytest.mark.parametrize("payload", ['{"event": "STO', "[]", "null"])
    def test_one_whose_payload_cannot_be_read_hides_no_other(
        self, database, payload
    ):
        broken = records.notification(database)
        other = records.notification(database)
        records.change(
            database, tables.Notification, broken.uuid, payload=payload
        )
        found = database.read(notifications.select, {}, query.Page())
        assert {one.uuid: dict(one.payload) for one in found} == {
            broken.uuid: {},
            other.uuid: other.payload,
        }
        assert isinstance(
            database.read(notifications.get, broken.uuid).payload,
            model.Unreadable,
        )

    def test_a_new_one_waits_for_an_engine(self, database, clock):
        host = records.host(database)
        payload = {"event": "STOPPED", "😀": "a\0b", "q": "'\"\\"}
        made = records.notification(
            database,
            host,
            type="PROCESS",
            payload=payload,
            request_id="req-1",
        )
        found = database.read(notifications.get, made.uuid)
        assert found == made
        assert found.status is model.NotificationStatus.NEW
        assert found.type is model.NotificationType.PROCESS
        assert found.payload == payload
        assert found.source_host_uuid == host.uuid
        assert found.failover_segment_uuid == host.segment.uuid
        assert found.created_at == clock.now
        assert found.message is None
        recovery = database.read(
            lambda session: session.get(tables.Recovery, made.uuid)
        )
        assert (recovery.request_id, recovery.attempts) == ("req-1", 0)
        assert recovery.next_attempt_at is None

    def test_old_rows_are_read_as_they_are(self, database):
        made = records.notification(database)
        records.change(
            database,
            tables.Notification,
            made.uuid,
            failover_segment_uuid=None,
            payload=None,
        )
        (found,) = database.read(notifications.select, {}, ALL)
        assert found.failover_segment_uuid is None
        assert found.payload == {}

    @pytest.mark.parametrize("text", STRANGE)
    def test_what_is_not_there_is_not_found(self, database, text):
        records.notification(database)
        with pytest.raises(exception.NotificationNotFound):
            database.read(notifications.get, text)
        for name in ("status", "type", "source_host_uuid"):
            found = database.read(notifications.select, {name: text}, ALL)
            assert found == []

    def test_filters_are_exact(self, database):
        host = records.host(database)
        one = records.notification(database, host, type="VM")
        two = records.notification(
            database, generated_time=records.EPOCH + datetime.timedelta(1)
        )
        records.change(
            database, tables.Notification, two.uuid, status="failed"
        )

        def found(**filters):
            rows = database.read(notifications.select, filters, ALL)
            return {notification.uuid for notification in rows}

        assert found(status="failed") == {two.uuid}
        assert found(type="VM") == {one.uuid}
        assert found(source_host_uuid=host.uuid) == {one.uuid}
        assert found(generated_since=records.EPOCH) == {one.uuid, two.uuid}
        assert found(generated_since=two.generated_time) == {two.uuid}
        assert found(type="VM", status="failed") == set()
        assert found(status=None, generated_since=None) == {
            one.uuid,
            two.uuid,
        }

    def test_those_of_a_host_come_newest_first(self, database, clock):
        host = records.host(database)
        at = records.EPOCH
        made = []
        for seconds in (0, 10, 20):
            clock.advance(seconds=1)
            made.append(
                records.notification(
                    database,
                    host,
                    generated_time=at + datetime.timedelta(seconds=seconds),
                )
            )
        records.notification(database, host, type="VM")
        records.notification(database)
        found = database.read(notifications.of_host, host.uuid, "COMPUTE_HOST")
        assert [one.uuid for one in found] == [
            one.uuid for one in reversed(made)
        ]
        found = database.read(
            notifications.of_host,
            host.uuid,
            "COMPUTE_HOST",
            since=at + datetime.timedelta(seconds=10),
        )
        assert [one.uuid for one in found] == [made[2].uuid, made[1].uuid]

    def test_those_of_a_host_that_came_after_one(self, database):
        host = records.host(database)
        made = [records.notification(database, host) for _ in range(3)]
        records.notification(database, host, type="VM")
        records.notification(database)
        found = database.read(
            functools.partial(notifications.of_host, after=made[0].id),
            host.uuid,
            "COMPUTE_HOST",
        )
        assert found == [made[2], made[1]]

    @pytest.mark.parametrize(
        "text", ["nova-compute", "100%_/\\", "'\"", "é😀\n", "a\0b", "{1}"]
    )
    def test_those_of_a_host_about_something(self, database, text):
        host = records.host(database)
        for name in (text, f"/bin/{text}", "other"):
            records.notification(
                database, host, type="PROCESS", payload={"name": name}
            )
        found = database.read(
            functools.partial(notifications.of_host, about=text),
            host.uuid,
            "PROCESS",
        )
        assert [one.payload["name"] for one in found] == [
            f"/bin/{text}",
            text,
        ]

    def test_the_same_instant_is_found_again(self, database):
        host = records.host(database)
        at = records.EPOCH.replace(microsecond=999999)
        records.notification(database, host, generated_time=at)
        found = database.read(
            notifications.of_host, host.uuid, "COMPUTE_HOST", since=at
        )
        assert len(found) == 1

    def test_intake_counts_what_it_lets_in(self, database):
        for _ in range(3):
            database.write(turns.take, "h")
        database.write(turns.take, "i")
        accepted = database.read(
            lambda session: {
                row.source_host_uuid: row.accepted
                for row in session.query(tables.HostIntake)
            }
        )
        assert accepted == {"h": 3, "i": 1}
