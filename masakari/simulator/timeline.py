# SPDX-License-Identifier: Apache-2.0
"""What is going to happen in the simulated cloud, in order."""

import heapq
import itertools
from collections.abc import Callable


class Timeline:
    """Future events on a clock that somebody else moves.

    :param clock: returns epoch seconds and never goes back
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._moment: float | None = None

    @property
    def now(self) -> float:
        """The clock's time or, within an event, the event's."""
        return self._clock() if self._moment is None else self._moment

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        entry = (self.now + seconds, next(self._sequence), action)
        heapq.heappush(self._heap, entry)

    def next_at(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def run_due(self, until: float | None = None) -> None:
        """Run what is due, each event at its own moment.

        :param until: epoch seconds; None means the clock's time
        """
        if self._moment is not None:
            return
        until = self._clock() if until is None else until
        try:
            while self._heap and self._heap[0][0] <= until:
                self._moment, _, action = heapq.heappop(self._heap)
                action()
        finally:
            self._moment = None
