# SPDX-License-Identifier: Apache-2.0
import pytest

from masakari.db import schema
from masakari.db.session import Database
from tests.functional.db import records


@pytest.fixture
def clock():
    return records.Clock()


@pytest.fixture
def database(clock):
    database = Database("sqlite://", clock=clock)
    schema.create_all(database)
    yield database
    database.dispose()
