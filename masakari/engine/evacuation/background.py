# SPDX-License-Identifier: Apache-2.0
"""Calls to Nova in the engine's pool, answered to the loop."""

import queue
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any, TypeAlias

from masakari.engine.clock import Clock
from masakari.engine.evacuation.flight import Flight, Phase
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
        self._open: set[futures.Future[Any]] = set()
        self._closed = False

    def close(self) -> None:
        """Make no more calls, and wait for those under way.

        Whoever goes on from here looks at Nova first, and has to see what
        they have done. When the lease is lost, that wait is somebody else's.
        """
        self._closed = True
        for future in list(self._open):
            future.cancel()
        while self._open and self._lease.held:
            self._wake.clear()
            if self._open:
                self._clock.wait(self._wake, 1.0)

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
        future = self._pool.submit(self._call, flight, call)
        self._open.add(future)
        future.add_done_callback(
            lambda future: self._answered((flight, future, done, failed))
        )

    def handle_answers(self) -> None:
        """Handle what has been answered so far.

        :raises ClaimLost: a call was not made, since it is not ours to make
        :raises Denied: Nova does not take our credentials, for any instance
        """
        self._wake.clear()
        while not self._answers.empty():
            flight, future, done, failed = self._answers.get()
            try:
                result = future.result()
            except port.Denied:
                raise
            except port.ComputeError as error:
                failed(flight, error)
            else:
                done(flight, result)

    def wait(self, seconds: float) -> None:
        """Wait for an answer, ``seconds`` at most."""
        self._clock.wait(self._wake, seconds)

    def check(self) -> None:
        """Before every part of a call that changes something.

        :raises ClaimLost: the engine must not act any more
        :raises port.Unavailable: nobody waits for it any more
        """
        self._lease.check()
        if self._closed:
            raise port.Unavailable(
                "It is not to be asked for any more.", in_doubt=False
            )

    def _call(self, flight: Flight, call: Callable[[], Any]) -> Any:
        """Long queues end here too when the claim is lost meanwhile.

        How long Nova takes does not count from when the call was queued.
        """
        self.check()
        flight.asked_at = self._clock.monotonic()
        return call()

    def _answered(self, answer: _Answer) -> None:
        self._answers.put(answer)
        self._open.discard(answer[1])
        self._wake.set()
