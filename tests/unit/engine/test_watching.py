# SPDX-License-Identifier: Apache-2.0
"""How often Nova's evacuation records are looked at."""

import pytest

from masakari.engine.evacuation import watching


@pytest.mark.parametrize(
    ("interval", "quiet", "pause"),
    [
        (0.1, 0, 0.1),
        (0.1, 20, 2.0),
        (0.1, 600, 5.0),
        (1.0, 0, 1.0),
        (1.0, 9, 1.0),
        (1.0, 30, 3.0),
        (1.0, 600, 5.0),
        (10.0, 0, 10.0),
        (10.0, 600, 10.0),
    ],
)
def test_the_longer_nothing_changes_the_longer_are_the_pauses(
    interval, quiet, pause
):
    looked_at = 1000.0
    next_at = watching.next_look(looked_at, interval=interval, quiet=quiet)
    assert next_at - looked_at == pytest.approx(pause)
