# SPDX-License-Identifier: Apache-2.0
"""Engines that are killed at some steps, or race, change no outcome.

``python -m tests.simulation.kills`` kills them at all steps.
"""

from pathlib import Path

import pytest

from tests.simulation import kills, workers
from tests.simulation.files import FOLDERS, read
from tests.simulation.harness import Step
from tests.simulation.scenario import Scenario

#: Of each scenario; always the same ones.
POINTS = 2

#: One scenario in so many; "tox -e kills" plays all of them, at all points.
EVERY = 40

some_scenarios = pytest.mark.parametrize(
    "folder", FOLDERS[::EVERY], ids=lambda folder: folder.name
)


@some_scenarios
@pytest.mark.slow
def test_another_engine_brings_it_to_the_same_end(folder: Path) -> None:
    for kill in kills.kills(folder, POINTS):
        kills.play(kill)


@some_scenarios
@pytest.mark.slow
def test_two_engines_bring_it_to_the_same_end(folder: Path) -> None:
    kills.race(folder)


def test_what_makes_a_difference_is_a_step() -> None:
    look = Step("before", "call", "evacuations", "host", "engine", (1, 0))
    looked = look._replace(when="after")
    write = look._replace(kind="commit", name="while_held")
    written = write._replace(when="after")
    steps = [look, looked, look, looked, write, written, look, looked]
    assert list(kills.deaths(steps)) == [1, 5, 6]
    steps[6] = look._replace(at=(2, 0))
    assert list(kills.deaths(steps)) == [1, 5, 6, 7]
    steps[6] = look._replace(at=(1, 1))
    assert list(kills.deaths(steps)) == [1, 5, 6, 7]
    steps[6] = look._replace(engine="another")
    assert list(kills.deaths(steps)) == [1, 5, 6, 7]
    assert list(kills.deaths([write, written, write, written])) == [1, 2, 4]


@pytest.mark.slow
def test_the_same_steps_are_taken_each_time() -> None:
    """Even where recoveries share what cannot be shared evenly."""
    (rack,) = (f for f in FOLDERS if f.name == "auto-a-rack-of-hosts-dies")
    assert len({_told(rack) for _ in range(4)}) == 1


def _told(folder: Path) -> str:
    scenario = Scenario(read(folder))
    with workers.telling(scenario):
        scenario.play()
    return scenario.told()
