# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.simulation.harness import Simulation


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path)
