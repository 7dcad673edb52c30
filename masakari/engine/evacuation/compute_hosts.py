# SPDX-License-Identifier: Apache-2.0
"""The compute hosts as Nova and Masakari know them, one look an interval."""

import logging

from masakari.domain.planner import destinations
from masakari.domain.server import ComputeService
from masakari.engine.recovery import Recovery
from masakari.nova import port

LOG = logging.getLogger(__name__)


class ComputeHosts:
    """Which hosts are up, which are not, and for how long.

    The failed host, those that may take its instances, and those on their
    way to which instances are.
    """

    def __init__(self, recovery: Recovery) -> None:
        self._recovery = recovery
        self._clock = recovery.world.clock
        self._interval = recovery.world.settings.verify_interval
        self._source = recovery.host.name
        self._services: dict[str, ComputeService] = {}
        self._failing: set[str] = set()
        self._recovered: set[str] = set()
        self._down_since = recovery.down_since
        self._read_at = float("-inf")
        self._unknown_since: float | None = None

    def look(self) -> bool:
        """Look, unless that was done within the last interval.

        :returns: False when Nova does not tell
        """
        now = self._clock.monotonic()
        if now - self._read_at < self._interval:
            return True
        # The database may keep us waiting; what Nova says has to be fresh.
        journal = self._recovery.journal
        self._failing = journal.failing_hosts()
        self._recovered = journal.recovered_hosts()
        try:
            services = self._recovery.compute.compute_services()
        except port.Denied:
            raise
        except port.ComputeError as error:
            if self._unknown_since is None:
                self._unknown_since = now
                LOG.warning(
                    "Notification %s: Nova's compute services cannot be "
                    "read, no instance of host %s is evacuated meanwhile: %s",
                    self._recovery.notification.uuid,
                    self._source,
                    error,
                )
            return False
        self._read_at = self._clock.monotonic()
        self._unknown_since = None
        self._services = {service.host: service for service in services}
        for host in self._down_since.keys() | self._services.keys():
            if self.is_up(host):
                self._down_since.pop(host, None)
            else:
                self._down_since.setdefault(host, self._read_at)
        return True

    def forget(self) -> None:
        """Something does not fit what was seen: look anew."""
        self._read_at = float("-inf")

    @property
    def unknown_for(self) -> float:
        """Seconds for which Nova has not told."""
        if self._unknown_since is None:
            return 0.0
        return self._clock.monotonic() - self._unknown_since

    @property
    def source(self) -> ComputeService | None:
        """The service of the failed host; None when Nova has none."""
        return self._services.get(self._source)

    def can_take(self, target: str | None) -> bool:
        """Whether there is a host to evacuate to; see :mod:`destinations`."""
        return destinations.exists(
            self._services.values(),
            target=target,
            failed={self._source, *self._failing},
        )

    def is_up(self, host: str) -> bool:
        service = self._services.get(host)
        return service is not None and service.up

    def look_for_failed(self, host: str) -> bool:
        """Look, and see whether it :meth:`has_failed`."""
        return self.look() and self.has_failed(host)

    def has_failed(self, host: str) -> bool:
        """Whether a host is down, and nothing will ever go on there.

        Its own recovery is over or, where nobody has reported it, Nova has
        called it down for long.
        """
        if self.is_up(host) or host in self._failing:
            return False
        if host in self._recovered:
            return True
        since = self._down_since.setdefault(host, self._read_at)
        limit = self._recovery.world.settings.evacuation_timeout
        return self._clock.monotonic() - since >= limit
