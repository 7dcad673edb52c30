# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest

from masakari import exception
from masakari.db import hosts, notifications, query, segments, tables, vmoves
from tests.functional.db import records
from tests.functional.db.cases import ALL, STRANGE


class Paging:
    @pytest.fixture
    def some(self, database, clock):
        """Segments with equal, different and missing values."""
        values = itertools.product(
            ["auto", "reserved_host", "auto_priority"],
            [None, "", "x" * 300 + "a", "x" * 300 + "b"],
        )
        made = []
        for number, (method, description) in enumerate(values):
            if number % 3 == 0:
                clock.advance(seconds=1)
            one = records.segment(
                database,
                recovery_method=method,
                description=description,
                service_type=f"type-{number % 2}",
                enabled=bool(number % 2),
            )
            if number % 4 == 0:
                one = database.write(
                    segments.update, one.uuid, enabled=one.enabled
                )
            if number % 5 == 0:
                records.change(
                    database, tables.Segment, one.uuid, enabled=None
                )
                one = database.read(segments.get, one.uuid)
            made.append(one)
        gone = records.segment(database)
        database.write(segments.delete, gone.uuid)
        return made

    def test_the_newest_come_first(self, database, some):
        found = database.read(segments.select, {}, ALL)
        assert [one.id for one in found] == sorted(
            (one.id for one in some), reverse=True
        )

    @pytest.mark.parametrize("direction", ["asc", "desc"])
    @pytest.mark.parametrize(
        "key", sorted(query.columns(tables.Segment).keys())
    )
    def test_pages_make_up_the_list(self, database, some, key, direction):
        def read(marker, limit=None):
            return database.read(
                segments.select,
                {},
                query.Page(
                    limit=limit,
                    marker=marker,
                    sort_keys=(key,),
                    sort_dirs=(direction,),
                ),
            )

        whole = read(None)
        assert sorted(one.id for one in whole) == sorted(
            one.id for one in some
        )
        for limit in (1, 5):
            pages = records.everything(
                lambda marker, limit=limit: read(marker, limit), limit
            )
            assert pages == whole

    def test_every_column_of_every_table_sorts(self, database):
        notification = records.notification(database)
        records.notification(database)
        for _ in range(3):
            records.vmove(database, notification)
        segment = notification.failover_segment_uuid
        records.host(database, database.read(segments.get, segment))
        for table, select, first in (
            (tables.Notification, notifications.select, ()),
            (tables.VMove, vmoves.select, (notification.uuid,)),
            (tables.Host, hosts.select, (segment,)),
        ):
            for key in sorted(query.columns(table).keys()):

                def read(marker, select=select, first=first, key=key):
                    page = query.Page(limit=1, marker=marker, sort_keys=(key,))
                    return database.read(select, *first, {}, page)

                whole = database.read(
                    select, *first, {}, query.Page(sort_keys=(key,))
                )
                assert records.everything(read, 1) == whole
                assert len(whole) >= 2

    def test_several_keys_and_directions(self, database, some):
        found = database.read(
            segments.select,
            {},
            query.Page(
                sort_keys=("service_type", "id"), sort_dirs=("desc", "asc")
            ),
        )
        assert [(one.service_type, one.id) for one in found] == sorted(
            ((one.service_type, one.id) for one in some),
            key=lambda pair: (-int(pair[0][-1]), pair[1]),
        )

    def test_a_uuid_is_a_marker_too(self, database, some):
        found = database.read(
            segments.select, {}, query.Page(marker=some[3].uuid)
        )
        assert {one.id for one in found} == {
            one.id for one in some if one.id < some[3].id
        }

    @pytest.mark.parametrize(
        "marker",
        [
            *STRANGE,
            "-1",
            "1.0",
            " 1",
            "999999",
            "2147483648",
            "9" * 30,
            "٣",
            "9b2c7d1e-0000-4000-8000-000000000000",
        ],
    )
    def test_an_unknown_marker_is_refused(self, database, some, marker):
        with pytest.raises(exception.MarkerNotFound) as caught:
            database.read(segments.select, {}, query.Page(marker=marker))
        assert str(caught.value) == f"Marker {marker} could not be found."

    def test_the_marker_of_a_deleted_row_is_refused(self, database, some):
        database.write(segments.delete, some[0].uuid)
        for marker in (str(some[0].id), some[0].uuid):
            with pytest.raises(exception.MarkerNotFound):
                database.read(segments.select, {}, query.Page(marker=marker))

    def test_a_limit_of_nothing_gives_nothing(self, database, some):
        assert database.read(segments.select, {}, query.Page(limit=0)) == []

    @pytest.mark.parametrize(
        ("page", "message"),
        [
            (
                query.Page(limit=-1),
                "Invalid input received: limit must be >= 0",
            ),
            (
                query.Page(sort_keys=("nonsense",)),
                "InvalidSortKey('Sort key supplied is invalid: nonsense')",
            ),
            (
                query.Page(sort_keys=("hosts",)),
                "InvalidSortKey('Sort key supplied is invalid: hosts')",
            ),
            (
                query.Page(sort_keys=("metadata",)),
                "InvalidSortKey('Sort key supplied is invalid: metadata')",
            ),
            (
                query.Page(sort_dirs=("up",)),
                "Invalid input received: Unknown sort direction, must be "
                "'asc' or 'desc'",
            ),
            (
                query.Page(sort_keys=("name",), sort_dirs=("asc", "asc")),
                "Invalid input received: Sort direction size exceeds sort "
                "key size",
            ),
        ],
    )
    def test_what_is_not_valid_is_refused(self, database, page, message):
        with pytest.raises(exception.InvalidInput) as caught:
            database.read(segments.select, {}, page)
        assert str(caught.value) == message
