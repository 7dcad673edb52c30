# SPDX-License-Identifier: Apache-2.0
"""How often, and for how long, a transaction is tried again."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import tenacity


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """When to try again what may have failed for a passing reason.

    :param attempts: how many are made at most
    :param seconds: after which no further one is made
    :param pause: between two attempts
    :param longest_pause: how long (seconds) that is at most
    """

    attempts: float
    seconds: float
    pause: tenacity.wait.wait_base
    longest_pause: float

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Repetition":
        """What ``[database]`` says.

        :param options: all of the group, by their names
        """
        if not options["use_db_reconnect"]:
            return _BRIEFLY
        retries = options["db_max_retries"]
        interval = longest = options["db_retry_interval"]
        if options["db_inc_retry_interval"]:
            longest = options["db_max_retry_interval"]
        return cls(
            attempts=math.inf if retries < 0 else retries + 1,
            seconds=math.inf,
            pause=tenacity.wait_exponential(multiplier=interval, max=longest),
            longest_pause=longest,
        )

    def ends(self, state: tenacity.RetryCallState) -> bool:
        """Whether the attempt was the last one."""
        return (
            state.attempt_number >= self.attempts
            or (state.seconds_since_start or 0) >= self.seconds
        )

    def patience(self, attempt: float) -> float:
        """Seconds after which all is given up.

        :param attempt: how long (seconds) one takes at most
        """
        return min(
            self.seconds + attempt,
            self.attempts * (self.longest_pause + attempt),
        )


#: Without ``use_db_reconnect``: a deadlock is over by then.
_BRIEFLY = Repetition(
    attempts=6,
    seconds=10.0,
    pause=tenacity.wait_random_exponential(multiplier=0.05, max=1),
    longest_pause=1.0,
)
