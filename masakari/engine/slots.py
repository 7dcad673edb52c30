# SPDX-License-Identifier: Apache-2.0
"""The evacuations an engine may have in flight, over all its recoveries."""

import dataclasses
import threading

from masakari.domain import sharing


class Slots:
    """Never more than ``total`` are taken, whoever takes them.

    Each recovery takes up to its fair share of those that are free; see
    :func:`masakari.domain.sharing.fair_shares`. It is known by the id of its
    notification, so that of equals who was reported first comes first.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._lock = threading.Lock()
        self._used: dict[int, int] = {}
        self._demands: dict[int, sharing.Demand] = {}

    def take(self, key: int, demand: sharing.Demand, limit: int) -> int:
        """Take up to ``limit`` more for the recovery ``key``.

        :param demand: all that the recovery could use now, with what it has
        :returns: how many it got, maybe 0
        """
        with self._lock:
            self._demands[key] = demand
            share = sharing.fair_shares(self._total, self._demands)[key]
            used = self._used.get(key, 0)
            free = self._total - sum(self._used.values())
            taken = max(0, min(limit, share - used, free))
            self._used[key] = used + taken
            return taken

    def adopt(self, key: int, count: int) -> None:
        """Count evacuations that are in flight already."""
        with self._lock:
            self._used[key] = self._used.get(key, 0) + count

    def give_back(self, key: int, count: int = 1) -> None:
        """They are free, and the recovery wants that many less."""
        with self._lock:
            self._used[key] = max(0, self._used.get(key, 0) - count)
            if key in self._demands:
                demand = self._demands[key]
                self._demands[key] = dataclasses.replace(
                    demand, wanted=max(0, demand.wanted - count)
                )

    def leave(self, key: int) -> None:
        """The recovery is over; all it had is free."""
        with self._lock:
            self._used.pop(key, None)
            self._demands.pop(key, None)
