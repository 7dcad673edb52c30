# SPDX-License-Identifier: Apache-2.0
"""Two configurations in one process have nothing to do with one another."""

import pytest

from masakari import conf as configuration


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("taskflow", "connection", "sqlite:///elsewhere"),
        ("host_failure", "force_down", True),
        ("database", "connection", "sqlite:///elsewhere"),
    ],
)
def test_an_override_is_for_one_configuration(group, name, value):
    first, second = (
        configuration.load([], prog="masakari-engine", config_files=[])
        for _ in range(2)
    )
    before = second[group][name]
    first.set_override(name, value, group)
    assert first[group][name] == value
    assert second[group][name] == before
    third = configuration.load([], prog="masakari-engine", config_files=[])
    assert third[group][name] == before
