# SPDX-License-Identifier: Apache-2.0
"""How many evacuations may be in flight: a window that follows Nova.

Additive increase, multiplicative decrease, with a slow start, as TCP does
it (RFC 5681): every evacuation that Nova takes promptly opens the window by
one until Nova was first seen to be overloaded, by one a round from then on;
an overload halves it.
"""

import dataclasses

#: A request that took longer than this (seconds) shows an overloaded Nova.
SLOW = 5.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The present size, and what it may become.

    :param floor: it never shrinks below this
    :param ceiling: it never grows above this
    :param threshold: where growth slows down; infinite before an overload
    :param shrunk_at: when it was last halved (seconds, any monotonic clock)
    """

    size: float
    floor: int
    ceiling: int
    threshold: float = float("inf")
    shrunk_at: float = float("-inf")

    @classmethod
    def opened(
        cls, floor: int, ceiling: int, *, in_flight: int = 0
    ) -> "Window":
        """A window as one starts with it: its floor, beside what flies.

        :param in_flight: what Nova has taken already, asked by somebody else
        """
        floor = min(floor, ceiling)
        size = min(floor + in_flight, ceiling)
        return cls(size=size, floor=floor, ceiling=ceiling)

    @property
    def slots(self) -> int:
        return int(self.size)

    def answered(self, *, asked_at: float, now: float) -> "Window":
        """Nova accepted an evacuation that was asked for at ``asked_at``."""
        if now - asked_at > SLOW:
            return self.overloaded(asked_at=asked_at, now=now)
        step = 1.0 if self.size < self.threshold else 1.0 / self.size
        size = min(float(self.ceiling), self.size + step)
        return dataclasses.replace(self, size=size)

    def overloaded(self, *, asked_at: float, now: float) -> "Window":
        """Nova answered 429 or 5xx, late, or not at all.

        Requests asked for before the window was last halved say nothing
        new: a burst of refusals halves it once.
        """
        if asked_at < self.shrunk_at:
            return self
        size = max(float(self.floor), self.size / 2)
        return dataclasses.replace(
            self, size=size, threshold=size, shrunk_at=now
        )
