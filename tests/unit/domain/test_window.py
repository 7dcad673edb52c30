# SPDX-License-Identifier: Apache-2.0
from masakari.domain.window import SLOW, Window


def test_it_opens_by_one_for_every_prompt_answer() -> None:
    window = Window.opened(3, 64)
    for _ in range(5):
        window = window.answered(asked_at=0, now=0.1)
    assert window.slots == 8


def test_an_overload_halves_it_and_slows_its_growth() -> None:
    window = Window(size=32, floor=3, ceiling=64)
    window = window.overloaded(asked_at=1, now=2)
    assert window.slots == 16
    assert window.answered(asked_at=3, now=3).slots == 16


def test_a_burst_of_refusals_halves_it_once() -> None:
    window = Window(size=32, floor=3, ceiling=64)
    for now in (2, 2.1, 2.2):
        window = window.overloaded(asked_at=1, now=now)
    assert window.slots == 16


def test_a_late_answer_counts_as_an_overload() -> None:
    window = Window(size=32, floor=3, ceiling=64)
    assert window.answered(asked_at=0, now=SLOW + 1).slots == 16


def test_a_floor_above_the_ceiling_gives_way() -> None:
    assert Window.opened(10, 4).slots == 4
