# SPDX-License-Identifier: Apache-2.0
"""Whether what a program needs is there, asked often and cheaply."""

import threading
import time
from collections.abc import Callable, Mapping

from masakari import exception
from masakari.db import session
from masakari.rpc.broker import Broker

#: Seconds that an answer may take.
PATIENCE = 2.0

#: Seconds for which an answer holds.
FRESHNESS = 1.0

#: Seconds after which it makes sense to ask one that is not ready again.
RETRY_AFTER = 10


class _Question(threading.Thread):
    """Asked in a thread of its own: one that hangs keeps nobody waiting."""

    def __init__(self, ask: Callable[[], object]) -> None:
        super().__init__(name="readiness", daemon=True)
        self.asked_at = time.monotonic()
        self.good = False
        self.refusal: str | None = None
        self._ask = ask

    def run(self) -> None:
        try:
            self._ask()
        except (OSError, exception.ServiceUnavailable):
            return
        except exception.ConfigurationError as error:
            self.refusal = str(error)
            return
        self.good = True


class Probe:
    """Asks one question, and no more than one at a time.

    :param ask: raises OSError or ServiceUnavailable when it is answered no,
        and ConfigurationError when that does not pass by itself
    :param freshness: seconds for which an answer holds; None is the usual
    """

    def __init__(
        self, ask: Callable[[], object], freshness: float | None = None
    ) -> None:
        self._ask = ask
        self._freshness = freshness
        self._lock = threading.Lock()
        self._last: _Question | None = None

    def begin(self) -> _Question:
        """The question that is open or, if there is none, a fresh one."""
        with self._lock:
            last = self._last
            if last is None or not (last.is_alive() or self._is_fresh(last)):
                last = self._last = _Question(self._ask)
                last.start()
            return last

    def _is_fresh(self, question: _Question) -> bool:
        holds = FRESHNESS if self._freshness is None else self._freshness
        return time.monotonic() - question.asked_at < holds

    @property
    def good(self) -> bool:
        """Whether it is answered yes, in time."""
        return self.ask_in_time() == (True, None)

    def ask_in_time(self) -> tuple[bool, str | None]:
        """Whether it is answered yes and, if that does not pass, why not."""
        question = self.begin()
        question.join(max(0, question.asked_at + PATIENCE - time.monotonic()))
        if question.is_alive():
            return False, None
        return question.good, question.refusal


class Dependencies:
    """The database and the broker that a program needs."""

    def __init__(self, database: session.Database, broker: Broker) -> None:
        self._probes = {
            "database": Probe(database.ping),
            "broker": Probe(broker.ping),
        }

    def check(self) -> Mapping[str, bool]:
        """Who is there, by name; takes ``PATIENCE`` at most."""
        for probe in self._probes.values():
            probe.begin()
        return {name: probe.good for name, probe in self._probes.items()}


def in_words(there: Mapping[str, bool]) -> dict[str, str]:
    """As it is told to whoever asks for it over HTTP."""
    return {name: "ok" if good else "away" for name, good in there.items()}
