# SPDX-License-Identifier: Apache-2.0
"""Time, as the engine sees it; simulations hand in another one."""

import datetime
import threading
import time
from typing import Protocol


class Clock(Protocol):
    def utcnow(self) -> datetime.datetime:
        """The time of day, naive and in UTC."""

    def monotonic(self) -> float:
        """Seconds that go on while the process is stopped."""

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Wait until ``event`` is set, ``timeout`` seconds at most."""


#: Goes on while the machine is suspended, where there is one that does.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    def utcnow(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)

    def monotonic(self) -> float:
        return time.clock_gettime(_STEADY)

    def wait(self, event: threading.Event, timeout: float) -> bool:
        return event.wait(timeout)
