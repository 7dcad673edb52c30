# SPDX-License-Identifier: Apache-2.0
"""The window and the shares keep their bounds, whatever happens."""

from hypothesis import given
from hypothesis import strategies as st

from masakari.domain.sharing import Demand, fair_shares
from masakari.domain.window import Window

DEMANDS = st.dictionaries(
    st.integers(1, 40),
    st.builds(
        Demand,
        wanted=st.integers(0, 100),
        priority=st.tuples(st.integers(0, 1), st.integers(-5, 5)),
    ),
    max_size=8,
)


@given(st.integers(0, 64), DEMANDS)
def test_shares_are_within_total_and_demand_and_leave_nothing_unused(
    total: int, demands: dict[int, Demand]
) -> None:
    shares = fair_shares(total, demands)
    assert all(shares[k] <= demands[k].wanted for k in demands)
    wanted = sum(demand.wanted for demand in demands.values())
    assert sum(shares.values()) == min(total, wanted)


@given(st.integers(0, 64), DEMANDS)
def test_nobody_is_two_slots_poorer_while_it_wants_more(
    total: int, demands: dict[int, Demand]
) -> None:
    shares = fair_shares(total, demands)
    for key, demand in demands.items():
        if shares[key] < demand.wanted:
            assert all(share <= shares[key] + 1 for share in shares.values())


@given(
    st.integers(1, 10),
    st.integers(1, 64),
    st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.floats(0, 10))),
)
def test_the_window_stays_between_floor_and_ceiling(
    floor: int, ceiling: int, answers: list[tuple[bool, float, float]]
) -> None:
    window = Window.opened(floor, ceiling)
    for good, asked_at, took in answers:
        change = window.answered if good else window.overloaded
        window = change(asked_at=asked_at, now=asked_at + took)
        assert min(floor, ceiling) <= window.slots <= ceiling
