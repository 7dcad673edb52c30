# SPDX-License-Identifier: Apache-2.0
"""The clouds that the cases run on."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.contract import clouds

_REAL = pytest.mark.skipif(
    "MASAKARI_TEST_CLOUD" not in os.environ,
    reason="MASAKARI_TEST_CLOUD is not set",
)


@pytest.fixture(
    scope="module",
    params=[
        "in-process",
        "http",
        pytest.param("nova", marks=_REAL),
    ],
)
def cloud(request: pytest.FixtureRequest) -> Iterator[clouds.SomeCloud]:
    with contextlib.contextmanager(clouds.MAKERS[request.param])() as made:
        yield made
