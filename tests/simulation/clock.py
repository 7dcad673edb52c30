# SPDX-License-Identifier: Apache-2.0
"""Simulated time, shared by the cloud, the database and the engines."""

import datetime
import heapq
import itertools
import threading
from collections.abc import Callable

EPOCH = 1_800_000_000.0


class Stopped(BaseException):
    """The simulation is over, in the midst of a task."""


class _Task:
    """Something that goes on while others wait, in a thread of its own.

    Only one thread runs at any moment: :meth:`step` returns when the task
    waits or is over. So it is as deterministic as if there were one.

    :param held_until: it does not go on before that time
    """

    def __init__(
        self, run: Callable[[], None], held_until: Callable[[], float]
    ) -> None:
        self._run = run
        self.held_until = held_until
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._error: BaseException | None = None
        self.event: threading.Event | None = None
        self.ticket: object | None = None
        self.over = self.stopped = False
        threading.Thread(target=self._work, daemon=True).start()

    def step(self) -> None:
        """Let it go on."""
        self._go.release()
        self._back.acquire()
        if self._error is not None:
            raise self._error

    def pause(self) -> None:
        """Called by the task itself: let the others go on.

        :raises Stopped: the simulation is over
        """
        if self.stopped:
            raise Stopped
        self._back.release()
        self._go.acquire()
        if self.stopped:
            raise Stopped

    def _work(self) -> None:
        self._go.acquire()
        try:
            if not self.stopped:
                self._run()
        except Stopped:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self.over = True
            self._back.release()


class SimulatedClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self._now = EPOCH
        self._tasks: list[_Task] = []
        self._running: _Task | None = None
        self._count = itertools.count()
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
        if self._running is not None:
            return self._wait_as(self._running, event, timeout)
        end = self._now + max(0.0, timeout)
        while not event.is_set():
            if not self._events or self._events[0][0] > end:
                self._now = max(self._now, end)
                break
            moment, _, action = heapq.heappop(self._events)
            self._now = max(self._now, moment)
            action()
            self._wake_tasks()
        return event.is_set()

    def _wait_as(
        self, task: _Task, event: threading.Event, timeout: float
    ) -> bool:
        if not event.is_set():
            self._sleep(task, self.elapsed + max(0.0, timeout), event)
        self.hold()
        return event.is_set()

    def _sleep(
        self, task: _Task, until: float, event: threading.Event | None
    ) -> None:
        ticket = object()
        task.ticket, task.event = ticket, event

        def wake() -> None:
            if task.ticket is ticket:
                self._step(task)

        self.at(until, wake)
        task.pause()

    def _wake_tasks(self) -> None:
        """Those that have been waiting for what has just happened."""
        for task in [t for t in self._tasks if t.event is not None]:
            if task.event is not None and task.event.is_set():
                self._step(task)

    def _step(self, task: _Task) -> None:
        task.ticket = task.event = None
        stepping, self._running = self._running, task
        try:
            task.step()
        finally:
            self._running = stepping
            if task.over:
                self._tasks.remove(task)

    def hold(self) -> None:
        """Who calls this does not go on before it may."""
        task = self._running
        while task is not None and self.elapsed < task.held_until():
            self._sleep(task, task.held_until(), None)

    def spawn(
        self, run: Callable[[], None], *, held_until: Callable[[], float]
    ) -> None:
        """Have something go on at the same time, once this has to wait.

        :param held_until: it does not go on before that second
        """
        task = _Task(run, held_until)
        self._tasks.append(task)
        self.at(self.elapsed, lambda: task.over or self._step(task))

    def begin(
        self, run: Callable[[], None], *, held_until: Callable[[], float]
    ) -> None:
        """The same; it comes as far as it can before this goes on."""
        task = _Task(run, held_until)
        self._tasks.append(task)
        self._step(task)

    def stop(self) -> None:
        """End what goes on."""
        for task in list(self._tasks):
            task.stopped = True
            self._step(task)

    def pass_time(self, seconds: float) -> None:
        self.wait(threading.Event(), seconds)


class Skewed:
    """The clock of a machine whose time of day is wrong.

    :param fast: by how many seconds
    """

    def __init__(self, clock: SimulatedClock, fast: float) -> None:
        self._clock = clock
        self._fast = fast

    def utcnow(self) -> datetime.datetime:
        return self._clock.utcnow() + datetime.timedelta(seconds=self._fast)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wait(self, event: threading.Event, timeout: float) -> bool:
        return self._clock.wait(event, timeout)
