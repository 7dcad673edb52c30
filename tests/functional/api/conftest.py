# SPDX-License-Identifier: Apache-2.0

import pytest

from masakari.api import auth
from tests.functional.api.world import World


@pytest.fixture
def world(tmp_path):
    """Without authentication: everybody is an administrator."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def strict_world(tmp_path):
    """Who calls is what the identity headers say."""
    made = World(tmp_path, identify=auth.MasakariKeystoneContext)
    yield made
    made.close()
