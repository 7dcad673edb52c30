# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari import exception
from masakari.db import hosts, tables, turns
from tests.functional.db import records
from tests.functional.db.cases import ALL, STRANGE


class Hosts:
    def test_a_new_one_comes_with_its_segment(self, database, clock):
        segment = records.segment(database)
        made = records.host(
            database,
            segment,
            name="compute1",
            type="",
            control_attributes="",
            reserved=True,
            on_maintenance=True,
        )
        assert made.segment == segment
        assert (made.reserved, made.on_maintenance) == (True, True)
        assert made.created_at == clock.now
        found = [
            database.read(hosts.get, made.uuid),
            database.read(hosts.by_name, "compute1"),
            database.read(hosts.get_in_segment, segment.uuid, made.uuid),
            *database.read(hosts.select, segment.uuid, {}, ALL),
        ]
        assert found == [made] * 4

    def test_a_name_is_taken_once_in_all_segments(self, database):
        records.host(database, name="h")
        with pytest.raises(exception.HostExists):
            records.host(database, name="h")
        other = records.host(database)
        with pytest.raises(exception.HostExists):
            database.write(hosts.update, other.uuid, name="h")

    def test_it_is_found_in_its_own_segment_only(self, database):
        made = records.host(database)
        other = records.segment(database)
        with pytest.raises(exception.HostNotFoundInSegment) as caught:
            database.read(hosts.get_in_segment, other.uuid, made.uuid)
        assert str(caught.value) == (
            f"Host '{made.uuid}' under failover_segment '{other.uuid}' "
            "could not be found."
        )
        assert database.read(hosts.select, other.uuid, {}, ALL) == []

    def test_an_update_changes_what_was_named(self, database, clock):
        made = records.host(database)
        clock.advance(seconds=1)
        changed = database.write(hosts.update, made.uuid, on_maintenance=True)
        assert changed.on_maintenance
        assert changed.updated_at == clock.now
        assert changed.name == made.name
        with pytest.raises(KeyError):
            database.write(hosts.update, made.uuid, nonsense=True)

    def test_what_was_reported_before_its_maintenance_was_lifted(
        self, database
    ):
        made = records.host(database)

        def maintain(on_maintenance):
            def change(session):
                turns.take(session, made.uuid)
                hosts.update(session, made.uuid, on_maintenance=on_maintenance)

            database.write(change)
            return database.read(turns.lifted_after, made.uuid)

        assert database.read(turns.lifted_after, made.uuid) is None
        first = records.notification(database, made)
        records.notification(database)
        assert maintain(on_maintenance=False) is None
        assert maintain(on_maintenance=True) is None
        assert maintain(on_maintenance=False) == first.id
        second = records.notification(database, made, type="VM")
        assert maintain(on_maintenance=False) == first.id
        assert maintain(on_maintenance=True) == first.id
        assert maintain(on_maintenance=False) == second.id

    def test_a_deleted_one_is_gone(self, database):
        made = records.host(database, name="h")
        database.write(hosts.delete, made.uuid)
        with pytest.raises(exception.HostNotFound):
            database.write(hosts.delete, made.uuid)
        with pytest.raises(exception.HostNotFound):
            database.write(hosts.update, made.uuid, reserved=True)
        assert database.read(hosts.select, made.segment.uuid, {}, ALL) == []

    @pytest.mark.parametrize("text", STRANGE)
    def test_what_is_not_there_is_not_found(self, database, text):
        made = records.host(database)
        assert database.read(hosts.by_name, text) is None
        assert database.read(hosts.select, text, {}, ALL) == []
        with pytest.raises(exception.HostNotFound):
            database.read(hosts.get, text)
        with pytest.raises(exception.HostNotFoundInSegment):
            database.read(hosts.get_in_segment, text, made.uuid)
        with pytest.raises(exception.HostNotFoundInSegment):
            database.read(hosts.get_in_segment, made.segment.uuid, text)

    def test_filters_are_exact(self, database):
        segment = records.segment(database)
        plain = records.host(database, segment, type="COMPUTE")
        spare = records.host(database, segment, type="OTHER", reserved=True)
        records.change(
            database,
            tables.Host,
            plain.uuid,
            reserved=None,
            on_maintenance=None,
        )

        def found(**filters):
            rows = database.read(hosts.select, segment.uuid, filters, ALL)
            return {host.uuid for host in rows}

        assert found(reserved=True) == {spare.uuid}
        assert found(reserved=False) == {plain.uuid}
        assert found(on_maintenance=False) == {plain.uuid, spare.uuid}
        assert found(type="OTHER", reserved=True) == {spare.uuid}
        assert found(type="OTHER", reserved=False) == set()
        assert found(name=plain.name) == {plain.uuid}
