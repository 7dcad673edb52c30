# SPDX-License-Identifier: Apache-2.0
"""What the package declares is there."""

import configparser
import pathlib
import re
from importlib import metadata

import pytest
from packaging import version

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
    declared = setup_cfg()["options.data_files"]["etc/masakari"].split()
    assert declared
    assert [name for name in declared if not (ROOT / name).is_file()] == []


def setup_cfg() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


def test_no_index_has_a_newer_one_of_another_program():
    assert version.Version(metadata.version("masakari")).epoch > 0


#: Where no text may send anybody: they belong to another program of the name.
ELSEWHERE = re.compile(
    r"docs\.openstack\.org/(\S*/)?masakari/"
    r"|docs\.openstack\.org/api-ref/instance-ha"
    r"|launchpad|storyboard|opendev|openstack-discuss|#openstack-masakari"
    r"|pip install '?masakari\b",
    re.IGNORECASE,
)

TEXTS = [
    path
    for pattern in (
        "*.rst",
        "*.cfg",
        "doc/**/*.rst",
        "doc/source/conf.py",
        "api-ref/**/*.rst",
        "api-ref/source/conf.py",
        "releasenotes/**/*.yaml",
        "releasenotes/source/*",
        "etc/**/*.*",
        "masakari/**/*.py",
    )
    for path in ROOT.glob(pattern)
    if "build" not in path.parts
]


def test_no_text_sends_anybody_to_another_program():
    assert len(TEXTS) > 200
    said = {
        str(path.relative_to(ROOT)): found.group()
        for path in TEXTS
        if (found := ELSEWHERE.search(path.read_text()))
    }
    assert said == {}


def test_what_is_installed_says_who_made_it():
    about = metadata.metadata("masakari")
    assert about["Author"] == "Masakari contributors"
    assert about["Home-page"] is None
    assert about["Author-email"] is None


def bounds(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)\S*?>=([\d.]+)", text, re.MULTILINE))


def test_the_lower_bounds_are_the_ones_that_are_tested():
    declared = bounds((ROOT / "requirements.txt").read_text())
    declared |= bounds(setup_cfg()["options.extras_require"]["demo"])
    pinned = dict(
        re.findall(
            r"^([\w.-]+)==([\d.]+)$",
            (ROOT / "lower-constraints.txt").read_text(),
            re.MULTILINE,
        )
    )
    assert len(declared) > 20
    assert {name: pinned.get(name) for name in declared} == declared
