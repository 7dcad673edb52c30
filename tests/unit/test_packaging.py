# SPDX-License-Identifier: Apache-2.0
"""What the package declares is there."""

import configparser
import pathlib
import re
from importlib import metadata

import pytest

ROOT = pathlib.Path(__file__).parents[2]

ENTRY_POINTS = [
    entry
    for entry in metadata.distribution("masakari").entry_points
    if entry.value.startswith("masakari")
]


@pytest.mark.parametrize("entry", ENTRY_POINTS, ids=lambda entry: entry.name)
def test_every_entry_point_can_be_loaded(entry):
    assert callable(entry.load())


def test_every_file_to_be_installed_is_there():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    files = re.findall(r"etc/masakari/\S+\.\w+", setup["files"]["data_files"])
    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []


def bounds(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)\S*?>=([\d.]+)", text, re.MULTILINE))


def test_the_lower_bounds_are_the_ones_that_are_tested():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = bounds((ROOT / "requirements.txt").read_text())
    declared |= bounds(setup["extras"]["demo"])
    pinned = dict(
        re.findall(
            r"^([\w.-]+)==([\d.]+)$",
            (ROOT / "lower-constraints.txt").read_text(),
            re.MULTILINE,
        )
    )
    assert len(declared) > 20
    assert {name: pinned.get(name) for name in declared} == declared
