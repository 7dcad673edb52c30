# SPDX-License-Identifier: Apache-2.0
"""The concatenation of pages is the list: at any limit, in any order."""

import contextlib
import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from masakari.db import query, schema, segments, tables
from masakari.db.session import Database
from tests.functional.db import records

TIMES = st.none() | st.integers(0, 3).map(
    lambda seconds: records.EPOCH + datetime.timedelta(seconds=seconds)
)

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "service_type": st.sampled_from(["a", "B", "é", "ab"]),
            "description": st.none() | st.text("ab ", max_size=3),
            "recovery_method": st.sampled_from(["auto", "rh_priority"]),
            "enabled": st.sampled_from([None, True, False]),
            "created_at": TIMES,
            "updated_at": TIMES,
        }
    ),
    max_size=12,
)

ORDERS = st.lists(
    st.tuples(
        st.sampled_from(query.columns(tables.Segment).keys()),
        st.sampled_from(["asc", "desc"]),
    ),
    max_size=4,
)


@contextlib.contextmanager
def holding(rows):
    database = Database("sqlite://")
    schema.create_all(database)
    try:
        for number, row in enumerate(rows, 1):
            records.add(
                database,
                tables.Segment(
                    id=number,
                    uuid=f"uuid-{number}",
                    name=f"name-{number}",
                    deleted=0,
                    **row,
                ),
            )
        yield database
    finally:
        database.dispose()


@settings(deadline=None, max_examples=60)
@given(
    rows=ROWS,
    order=ORDERS,
    limit=st.integers(1, 13),
    missing=st.integers(0, 4),
    by_uuid=st.booleans(),
)
def test_pages_make_up_the_list(rows, order, limit, missing, by_uuid):
    keys = tuple(key for key, _ in order)
    dirs = tuple(direction for _, direction in order)[: len(order) - missing]

    with holding(rows) as database:

        def read(marker, limit=None):
            return database.read(
                segments.select,
                {},
                query.Page(
                    limit=limit,
                    marker=marker,
                    sort_keys=keys,
                    sort_dirs=dirs,
                ),
            )

        whole = read(None)
        assert sorted(one.id for one in whole) == list(range(1, len(rows) + 1))
        found, marker = [], None
        while page := read(marker, limit):
            assert len(page) <= limit
            found += page
            last = page[-1]
            marker = last.uuid if by_uuid else str(last.id)
        assert found == whole


@settings(deadline=None, max_examples=30)
@given(rows=ROWS, key=st.sampled_from(["created_at", "enabled", "id"]))
def test_the_other_direction_is_the_other_way_round(rows, key):
    with holding(rows) as database:
        up, down = (
            database.read(
                segments.select,
                {},
                query.Page(sort_keys=(key,), sort_dirs=(direction,)),
            )
            for direction in ("asc", "desc")
        )
        assert up == down[::-1]


@settings(deadline=None, max_examples=30)
@given(rows=ROWS, gone=st.integers(0, 11), limit=st.integers(1, 4))
def test_rows_that_go_shift_nothing(rows, gone, limit):
    """Whatever is deleted between two pages, the others come once."""
    with holding(rows) as database:

        def read(marker):
            return database.read(
                segments.select, {}, query.Page(limit=limit, marker=marker)
            )

        first = read(None)
        rest = [
            one
            for one in database.read(segments.select, {}, query.Page())
            if one not in first
        ]
        if not rest:
            return
        deleted = rest[gone % len(rest)]
        database.write(segments.delete, deleted.uuid)
        found, marker = [], str(first[-1].id)
        while page := read(marker):
            found += page
            marker = str(page[-1].id)
        assert found == [one for one in rest if one != deleted]
