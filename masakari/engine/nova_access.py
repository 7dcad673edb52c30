# SPDX-License-Identifier: Apache-2.0
"""Whether this engine can use Nova.

Credentials that Keystone or Nova refuse, and a Nova that is away, are no
property of a notification. An engine that is denied claims nothing until
Nova lets it in again, so that others, whose credentials may be right, have
the work; one that cannot reach Nova looks at nothing that waits for Nova.
"""

import logging
import threading
from collections.abc import Sequence

from masakari.domain.server import ComputeService
from masakari.engine.clock import Clock
from masakari.nova import port
from masakari.nova.port import ComputePort

LOG = logging.getLogger(__name__)

#: Seconds between two questions while Nova cannot be used, and while nobody
#: has anything to ask it: a password may have been changed meanwhile.
RETRY_INTERVAL = 5.0
IDLE_INTERVAL = 300.0

#: Seconds after which it is said again that Nova cannot be used.
REMINDER_INTERVAL = 300.0


class NovaAccess:
    """What the engine's recoveries, and questions of its own, have found.

    :ivar denied: why Nova does not let Masakari in; None as far as it does
    :ivar away: why Nova cannot be asked; None as far as it answers
    """

    def __init__(self, compute: ComputePort, clock: Clock) -> None:
        self._compute = compute
        self._clock = clock
        self._lock = threading.Lock()
        self._next_check = 0.0
        self._logged_at: float | None = None
        self._reassure = True
        self.denied: str | None = None
        self.away: str | None = None

    @property
    def usable(self) -> bool:
        """Whether what waits for Nova is worth a look."""
        return self.denied is None and self.away is None

    def failed(self, error: port.ComputeError) -> None:
        """A recovery could not use Nova, for whatever it asked."""
        with self._lock:
            if isinstance(error, port.Denied):
                self.denied, self.away = str(error), None
            elif self.denied is None:
                self.away = str(error)
            self._next_check = self._clock.monotonic() + RETRY_INTERVAL
            self._log()

    def check(self) -> None:
        """Ask Nova, when it is time to."""
        if self._clock.monotonic() < self._next_check:
            return
        try:
            services = check_nova(self._compute)
        except port.ComputeError as error:
            self.failed(error)
        else:
            self._answered(len(services), sum(s.up for s in services))

    def _answered(self, services: int, up: int) -> None:
        with self._lock:
            self._next_check = self._clock.monotonic() + IDLE_INTERVAL
            if self._reassure:
                LOG.info(
                    "Nova answers: it has %d compute services, %d of them up",
                    services,
                    up,
                )
            self._reassure = False
            self.denied = self.away = None

    def _log(self) -> None:
        """Say so, unless that was said a short while ago."""
        now = self._clock.monotonic()
        last = self._logged_at
        if last is not None and now - last < REMINDER_INTERVAL:
            return
        self._logged_at = now
        self._reassure = True
        if self.denied is not None:
            LOG.error(
                "Nova does not let Masakari in. This engine takes up nothing "
                "until that is put right: %s",
                self.denied,
            )
        else:
            LOG.warning(
                "Nova cannot be asked. Recoveries wait until it answers: %s",
                self.away,
            )


def check_nova(compute: ComputePort) -> Sequence[ComputeService]:
    """Ask once for each kind of thing that recoveries ask for.

    :returns: the compute services
    :raises Unavailable: Nova, or Keystone, does not answer
    :raises Denied: Masakari's user may not do it, with the reason
    """
    wanted = "compute services"
    try:
        services = compute.compute_services()
        wanted = "the servers of all projects with their hosts"
        compute.any_server()
        if services:
            wanted = "migrations"
            compute.evacuations(services[0].host)
        wanted = "aggregates"
        compute.aggregates()
    except port.Denied as error:
        if error.code != 403:
            raise
        raise port.Denied(
            f"{compute.account} is no administrator in Nova: it may not list "
            f"{wanted}. {error}",
            code=error.code,
        ) from error
    return services
