# SPDX-License-Identifier: Apache-2.0
"""Simulated time, shared by the cloud, the database and the engines."""

import datetime
import functools
import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

EPOCH = 1_800_000_000.0


class SimulatedClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self._now = EPOCH
        self._count = itertools.count()
        self._background: float | None = None
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def epoch(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    @property
    def start(self) -> float:
        return EPOCH

    @property
    def elapsed(self) -> float:
        return self._now - EPOCH

    def utcnow(self) -> datetime.datetime:
        aware = datetime.datetime.fromtimestamp(self._now, datetime.UTC)
        return aware.replace(tzinfo=None)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something happen ``seconds`` after the beginning."""
        heapq.heappush(
            self._events, (EPOCH + seconds, next(self._count), action)
        )

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something happen again and again."""

        def once() -> None:
            action()
            self.at(self.elapsed + seconds, once)

        self.at(self.elapsed + seconds, once)

    def wait(self, event: threading.Event, timeout: float) -> bool:
        end = self._now + max(0.0, timeout)
        while not event.is_set():
            if not self._events or self._events[0][0] > end:
                self._now = max(self._now, end)
                break
            moment, _, action = heapq.heappop(self._events)
            self._now = max(self._now, moment)
            action()
        return event.is_set()

    def pass_time(self, seconds: float) -> None:
        """What a call to Nova takes: waited for, or only noted down.

        A call in the background (:meth:`submit`) keeps nobody waiting.
        """
        if self._background is None:
            self.wait(threading.Event(), seconds)
        else:
            self._background += seconds

    def submit(
        self, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> "futures.Future[Any]":
        """Make a call whose result is there when it has taken its time."""
        future: futures.Future[Any] = futures.Future()
        self._background = 0.0
        try:
            complete = functools.partial(
                future.set_result, call(*args, **kwargs)
            )
        except Exception as error:
            complete = functools.partial(future.set_exception, error)
        finally:
            seconds, self._background = self._background, None
        self.at(self.elapsed + seconds, complete)
        return future


class SimulatedExecutor(futures.Executor):
    """Calls in the background, without threads."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._clock.submit(call, *args, **kwargs)
