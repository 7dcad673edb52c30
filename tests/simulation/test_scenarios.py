# SPDX-License-Identifier: Apache-2.0
"""Every folder below ``scenarios`` is played; see ``scenario.py``."""

from pathlib import Path

import pytest

from tests.simulation.invariants import Violation
from tests.simulation.scenario import Scenario

FOLDERS = sorted(
    path for path in (Path(__file__).parent / "scenarios").iterdir()
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder: Path, tmp_path: Path) -> None:
    scenario = Scenario(folder, tmp_path)
    assert scenario.readme
    try:
        scenario.play()
        scenario.check()
    except (AssertionError, Violation) as error:
        error.add_note(scenario.story())
        raise


def test_there_are_many() -> None:
    assert len(FOLDERS) >= 150
