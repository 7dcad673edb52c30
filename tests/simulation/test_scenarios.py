# SPDX-License-Identifier: Apache-2.0
"""Every folder below ``scenarios`` is played; see ``files.py``."""

from pathlib import Path

import pytest

from tests.simulation import workers
from tests.simulation.files import FOLDERS, read
from tests.simulation.outcome import Outcome
from tests.simulation.scenario import Scenario


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder: Path) -> None:
    scenario = Scenario(read(folder))
    with workers.telling(scenario):
        scenario.play()
        Outcome(scenario).check()


def test_there_are_many() -> None:
    assert len(FOLDERS) >= 150
