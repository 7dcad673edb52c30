# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

import pytest

from tests.simulation.harness import Simulation


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    made = Simulation()
    yield made
    made.close()
