# SPDX-License-Identifier: Apache-2.0
"""What an engine does over and over."""

import logging
import threading
import time
from collections.abc import Callable

from masakari import exception

LOG = logging.getLogger(__name__)

#: Seconds between two turns at least.
_REST = 0.1


class Loop:
    """Does one thing again and again in a thread of its own.

    An error ends the turn, never the thread.

    :param what: the thing, as the log calls it
    :param interval: seconds from one turn to the next; one that takes longer
        is followed by a short rest
    :param patience: seconds after which a turn that lasts is said to hang
    """

    def __init__(
        self,
        action: Callable[[], object],
        *,
        what: str,
        interval: float,
        patience: float,
    ) -> None:
        self._action = action
        self._what = what
        self._interval = interval
        self._patience = patience
        self._soon = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=what, daemon=True
        )
        self._turned_at: float | None = None

    def start(self) -> None:
        """Begin the first turn."""
        self._turned_at = time.monotonic()
        self._thread.start()

    def wake(self) -> None:
        """Begin the next turn now."""
        self._soon.set()

    def end(self) -> None:
        """Begin no turn any more; returns at once."""
        self._over.set()
        self._soon.set()

    def join(self) -> None:
        """Wait until it has ended, if it has ever begun."""
        if self.begun:
            self._thread.join()

    @property
    def begun(self) -> bool:
        """Whether it has been started."""
        return self._turned_at is not None

    @property
    def trouble(self) -> str | None:
        """Why it is taken for stuck or dead; None when it is neither."""
        if self._turned_at is None or self._over.is_set():
            return None
        if not self._thread.is_alive():
            return f"{self._what}: the thread has died"
        idle = time.monotonic() - self._turned_at
        if idle > 3 * self._interval + self._patience:
            return f"{self._what}: the thread hangs for {idle:.0f} seconds"
        return None

    def _run(self) -> None:
        while True:
            self._soon.clear()
            if self._over.is_set():
                return
            began_at = time.monotonic()
            self._despite_errors()
            self._turned_at = time.monotonic()
            took = self._turned_at - began_at
            self._soon.wait(max(self._interval - took, _REST))

    def _despite_errors(self) -> None:
        try:
            self._action()
        except exception.ServiceUnavailable as error:
            LOG.warning("%s failed and is tried again: %s", self._what, error)
        except Exception:
            # A thread that ends here would leave an engine that lives and
            # does nothing.
            LOG.exception(
                "%s failed unexpectedly and is tried again", self._what
            )
