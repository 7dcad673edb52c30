# SPDX-License-Identifier: Apache-2.0
"""Single calls to Nova that a recovery cannot do without."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import tenacity

from masakari.nova import port

if TYPE_CHECKING:
    from masakari.engine.recovery import Recovery

T = TypeVar("T")

#: The longest pause between two tries, in seconds.
LONGEST_PAUSE = 10


def persistently(
    recovery: "Recovery", call: Callable[..., T], *args: Any
) -> T:
    """Make a call that may safely be repeated until Nova can answer it.

    For as long as ``down_timeout``: in a disaster Nova's own API and
    Keystone are often away for a while too.

    :raises port.ComputeError: Nova's refusal, or its last failure
    :raises ClaimLost, RecoveryInterrupted: it is no longer ours to make
    """
    clock = recovery.world.clock
    ends_at = clock.monotonic() + recovery.world.settings.down_timeout
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(port.Unavailable),
        wait=tenacity.wait_exponential(max=LONGEST_PAUSE),
        stop=lambda _state: clock.monotonic() >= ends_at,
        sleep=recovery.pause,
        before=lambda _state: recovery.lease.check(),
        reraise=True,
    )
    return retrying(call, *args)
