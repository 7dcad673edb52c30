# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari import exception
from masakari.db import hosts, segments, tables
from masakari.domain import model
from tests.functional.db import records
from tests.functional.db.cases import ALL, STRANGE


class Segments:
    def test_a_new_one_has_what_was_given(self, database, clock):
        made = records.segment(
            database,
            name="zürich",
            recovery_method="rh_priority",
            service_type="compute",
            description="two\nlines",
            enabled=False,
        )
        found = database.read(segments.get, made.uuid)
        assert found == made
        assert found.created_at == clock.now
        assert found.updated_at is None
        assert found.recovery_method is model.RecoveryMethod.RH_PRIORITY
        assert (found.enabled, found.deleted) == (False, False)
        assert found.description == "two\nlines"

    def test_a_name_is_taken_once(self, database):
        records.segment(database, name="s")
        with pytest.raises(exception.SegmentExists) as caught:
            records.segment(database, name="s")
        assert (
            str(caught.value) == "Failover segment with name s already exists."
        )

    def test_a_rename_to_a_taken_name_is_refused(self, database):
        records.segment(database, name="s")
        other = records.segment(database)
        with pytest.raises(exception.SegmentExists):
            database.write(segments.update, other.uuid, name="s")
        database.write(segments.update, other.uuid, name=other.name)

    def test_an_update_is_dated(self, database, clock):
        made = records.segment(database)
        clock.advance(seconds=90.5)
        changed = database.write(
            segments.update, made.uuid, description="new", enabled=False
        )
        assert changed.updated_at == clock.now.replace(microsecond=0)
        assert changed.description == "new"
        assert not changed.enabled
        assert database.read(segments.get, made.uuid) == changed

    def test_a_deleted_one_is_gone_with_its_hosts(self, database):
        made = records.segment(database, name="s")
        host = records.host(database, made, name="h")
        database.write(segments.delete, made.uuid)
        with pytest.raises(exception.SegmentNotFound):
            database.read(segments.get, made.uuid)
        with pytest.raises(exception.HostNotFound):
            database.read(hosts.get, host.uuid)
        assert database.read(segments.select, {}, ALL) == []
        assert database.read(hosts.by_name, "h") is None
        with pytest.raises(exception.SegmentNotFound):
            records.host(database, made)
        again = records.segment(database, name="s")
        records.host(database, again, name="h")

    @pytest.mark.parametrize("uuid", STRANGE)
    def test_what_is_not_there_is_not_found(self, database, uuid):
        records.segment(database)
        with pytest.raises(exception.SegmentNotFound):
            database.read(segments.get, uuid)
        with pytest.raises(exception.SegmentNotFound):
            database.write(segments.delete, uuid)
        assert not database.read(segments.under_recovery, uuid)

    def test_filters_are_exact(self, database):
        one = records.segment(
            database, recovery_method="auto", service_type="a", enabled=True
        )
        two = records.segment(
            database,
            recovery_method="reserved_host",
            service_type="b",
            enabled=False,
        )
        old = records.segment(database, service_type="c")
        records.change(database, tables.Segment, old.uuid, enabled=None)

        def found(**filters):
            return {
                segment.uuid
                for segment in database.read(segments.select, filters, ALL)
            }

        assert found(recovery_method="auto") == {one.uuid, old.uuid}
        assert found(recovery_method="auto", service_type="a") == {one.uuid}
        assert found(enabled=False) == {two.uuid}
        assert found(enabled=True) == {one.uuid, old.uuid}
        assert found(enabled=None) == {one.uuid, two.uuid, old.uuid}
        for text in STRANGE:
            assert found(recovery_method=text) == set()
            assert found(service_type=text) == set()

    @pytest.mark.parametrize("status", list(model.NotificationStatus))
    def test_it_is_under_recovery_while_work_is_left(self, database, status):
        segment = records.segment(database)
        host = records.host(database, segment)
        made = records.notification(database, host)
        records.change(
            database,
            tables.Notification,
            made.uuid,
            status=status.value,
            failover_segment_uuid=None,
        )
        for which in ((), (host.uuid,)):
            work = database.read(segments.under_recovery, segment.uuid, *which)
            assert (work is not None) == (status in model.UNFINISHED)
            if work is not None:
                assert work.notification.uuid == made.uuid
                assert work.host_name == host.name
        neighbour = records.host(database, segment)
        work = database.read(
            segments.under_recovery, segment.uuid, neighbour.uuid
        )
        assert (work is not None) == (status in ("new", "running"))
        other = records.segment(database)
        assert not database.read(segments.under_recovery, other.uuid)
        database.write(hosts.delete, host.uuid)
        assert not database.read(segments.under_recovery, segment.uuid)
