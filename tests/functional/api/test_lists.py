# SPDX-License-Identifier: Apache-2.0
"""Pages of lists, as clients walk through them."""

import pytest

from tests.functional.api.world import World, message


@pytest.fixture
def names(world):
    for number in range(7):
        world.segment(
            name=f"s{number}",
            recovery_method="auto" if number % 2 else "rh_priority",
        )
        world.clock.advance(seconds=number % 3)
    return [f"s{number}" for number in range(7)]


def listed(world, query=""):
    answer = world.request("GET", f"/v1/segments?{query}")
    assert answer.status_int == 200, answer.text
    assert list(answer.json) == ["segments"]
    return answer.json["segments"]


def named(segments):
    return [segment["name"] for segment in segments]


def test_the_newest_come_first(world, names):
    assert named(listed(world)) == names[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
@pytest.mark.parametrize(
    "order", ["", "sort_key=name&sort_dir=asc", "sort_key=recovery_method"]
)
@pytest.mark.parametrize("marked_by", ["id", "uuid"])
def test_pages_make_the_list(world, names, limit, order, marked_by):
    whole = listed(world, order)
    found = []
    query = f"limit={limit}&{order}"
    while page := listed(world, query):
        found += page
        query = f"limit={limit}&{order}&marker={page[-1][marked_by]}"
    assert found == whole


def test_a_limit_is_capped(tmp_path):
    world = World(tmp_path, osapi_max_limit=2)
    for number in range(3):
        world.segment(name=f"s{number}")
    assert len(listed(world)) == 2
    assert len(listed(world, "limit=3")) == 2
    assert len(listed(world, "limit=2&limit=1")) == 1
    world.close()


@pytest.mark.usefixtures("names")
class TestParameters:
    @pytest.mark.parametrize("query", ["limit=0", "marker=1&limit=0"])
    def test_no_limit_is_none(self, world, query):
        assert listed(world, query) == []

    @pytest.mark.parametrize(
        "query", ["marker=", "page_size=2", "limit=%2B9", "unknown=1"]
    )
    def test_what_changes_nothing(self, world, query):
        assert len(listed(world, query)) == 7

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("limit=-1", "Invalid input received: limit must be >= 0"),
            ("limit=x", "Invalid input received: limit must be an integer"),
            ("limit=", "Invalid input received: limit must be an integer"),
            (
                "page_size=x",
                "Invalid input received: page_size must be an integer",
            ),
            ("marker=99", "Marker 99 could not be found."),
            ("marker=" + "9" * 30, f"Marker {'9' * 30} could not be found."),
            ("marker=%00", "Marker \0 could not be found."),
            (
                "sort_key=hosts",
                "InvalidSortKey('Sort key supplied is invalid: hosts')",
            ),
            (
                "sort_dir=up",
                "Invalid input received: Unknown sort direction, must be "
                "'asc' or 'desc'",
            ),
            (
                "sort_key=name&sort_dir=asc&sort_dir=asc",
                "Invalid input received: Sort direction size exceeds sort "
                "key size",
            ),
            (
                "enabled=perhaps",
                "Invalid value for enabled: Unrecognized value 'perhaps', "
                "acceptable values are: '0', '1', 'f', 'false', 'n', 'no', "
                "'off', 'on', 't', 'true', 'y', 'yes'",
            ),
        ],
    )
    def test_what_is_not_valid(self, world, query, sentence):
        answer = world.request("GET", f"/v1/segments?{query}")
        assert answer.status_int == 400
        assert message(answer) == sentence

    def test_more_keys_than_directions(self, world, names):
        query = "sort_key=recovery_method&sort_key=name&sort_dir=asc"
        assert named(listed(world, query)) == [
            *names[1::2],
            *names[0::2],
        ]
