# SPDX-License-Identifier: Apache-2.0
"""Calls to Nova in the engine's pool, answered to the loop."""

import queue
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any, TypeAlias

from masakari.engine.clock import Clock
from masakari.engine.evacuation.flights import Flight, Phase
from masakari.engine.lease import Lease
from masakari.nova import port

Handler: TypeAlias = Callable[[Flight, Any], None]
_Answer: TypeAlias = tuple[Flight, futures.Future[Any], Handler, Handler]


class Background:
    """Makes calls elsewhere, handles their answers in the loop's thread."""

    def __init__(
        self,
        pool: futures.Executor,
        clock: Clock,
        lease: Lease,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._lease = lease
        self._answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closed = False

    def close(self) -> None:
        """Make no more calls: who goes on from here looks at Nova first."""
        self._closed = True

    def submit(
        self,
        flight: Flight,
        call: Callable[[], Any],
        *,
        done: Handler,
        failed: Handler,
    ) -> None:
        """Call Nova for a flight.

        :param done: takes the flight and the result
        :param failed: takes the flight and the :class:`port.ComputeError`
        """
        flight.phase = Phase.CALLING
        flight.asked_at = self._clock.monotonic()
        future = self._pool.submit(self._call, call)
        future.add_done_callback(
            lambda future: self._answered((flight, future, done, failed))
        )

    def handle_answers(self) -> None:
        """Handle what has been answered so far.

        :raises ClaimLost: a call was not made, since it is not ours to make
        """
        self._wake.clear()
        while not self._answers.empty():
            flight, future, done, failed = self._answers.get()
            try:
                result = future.result()
            except port.ComputeError as error:
                failed(flight, error)
            else:
                done(flight, result)

    def wait(self, seconds: float) -> None:
        """Wait for an answer, ``seconds`` at most."""
        self._clock.wait(self._wake, seconds)

    def _call(self, call: Callable[[], Any]) -> Any:
        """Long queues end here too when the claim is lost meanwhile."""
        self._lease.check()
        if self._closed:
            raise port.Unavailable("It is not to be asked for any more.")
        return call()

    def _answered(self, answer: _Answer) -> None:
        self._answers.put(answer)
        self._wake.set()
