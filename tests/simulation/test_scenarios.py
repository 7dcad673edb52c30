# SPDX-License-Identifier: Apache-2.0
"""Every folder below ``scenarios`` is played; see ``files.py``."""

from pathlib import Path

import pytest

from tests.simulation.files import FOLDERS, read
from tests.simulation.invariants import Violation
from tests.simulation.outcome import Outcome
from tests.simulation.scenario import Scenario


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder: Path, tmp_path: Path) -> None:
    scenario = Scenario(read(folder), tmp_path)
    try:
        scenario.play()
        Outcome(scenario).check()
    except (AssertionError, Violation) as error:
        error.add_note(scenario.told())
        raise


def test_there_are_many() -> None:
    assert len(FOLDERS) >= 150
