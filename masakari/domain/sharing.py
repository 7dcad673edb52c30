# SPDX-License-Identifier: Apache-2.0
"""Share a ceiling among the recoveries that an engine runs at once."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

#: Keys can be sorted.
K = TypeVar("K", bound=Any)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one recovery could use now.

    :param wanted: evacuations in flight plus those that could start
    :param priority: of its most important waiting instance, higher first
    """

    wanted: int
    priority: tuple[int, ...] = ()


def fair_shares(total: int, demands: Mapping[K, Demand]) -> dict[K, int]:
    """Max-min fair shares of ``total`` slots.

    Nobody gets more than it wants; what one leaves, the others share; slots
    that cannot be split evenly go to the highest priority, then to the lowest
    key.
    """
    shares = dict.fromkeys(demands, 0)
    order = sorted(
        demands,
        key=lambda key: ([-p for p in demands[key].priority], key),
    )
    left = total
    hungry = [key for key in order if demands[key].wanted > 0]
    while left > 0 and hungry:
        each = max(1, left // len(hungry))
        for key in hungry:
            given = min(each, demands[key].wanted - shares[key], left)
            shares[key] += given
            left -= given
        hungry = [k for k in hungry if shares[k] < demands[k].wanted]
    return shares
