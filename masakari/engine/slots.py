# SPDX-License-Identifier: Apache-2.0
"""The evacuations an engine may have in flight, over all its recoveries."""

import dataclasses
import threading
from typing import TypeAlias

from masakari.domain import sharing

#: Of a recovery, see :attr:`masakari.engine.recovery.Recovery.key`.
Key: TypeAlias = tuple[int, str]


class Slots:
    """Never more than ``total`` are taken, whoever takes them.

    Each recovery takes up to its fair share of those that are free; see
    :func:`masakari.domain.sharing.fair_shares`. Of equals the one
    whose key is lowest comes first.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._lock = threading.Lock()
        self._used: dict[Key, int] = {}
        self._demands: dict[Key, sharing.Demand] = {}

    def take(self, key: Key, demand: sharing.Demand, limit: int) -> int:
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

    def take_up(self, key: Key, count: int) -> None:
        """Have the recovery go on with what it has in flight by now."""
        with self._lock:
            self._used[key] = count
            self._demands.pop(key, None)

    def adopt(self, key: Key, count: int) -> None:
        """Count evacuations that are in flight already."""
        with self._lock:
            self._used[key] = self._used.get(key, 0) + count

    def give_back(self, key: Key, count: int = 1) -> None:
        """They are free, and the recovery wants that many less."""
        with self._lock:
            self._used[key] = max(0, self._used.get(key, 0) - count)
            if key in self._demands:
                demand = self._demands[key]
                self._demands[key] = dataclasses.replace(
                    demand, wanted=max(0, demand.wanted - count)
                )

    def leave(self, key: Key) -> None:
        """The recovery is over; all it had is free."""
        with self._lock:
            self._used.pop(key, None)
            self._demands.pop(key, None)
