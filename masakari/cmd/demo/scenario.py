# SPDX-License-Identifier: Apache-2.0
"""The cloud of the demonstration, and what is going to fail in it."""

import dataclasses
import math
import time

from masakari.simulator.cloud import Cloud
from masakari.simulator.tokens import known_id

#: Seconds that a rebuild takes at its destination.
EVACUATION_SECONDS = 2.0

#: Seconds after its last report until Nova calls a service down.
DOWN_TIME = 5.0

_REBUILDS = 3

#: The position of an instance on its host: what it has as HA_Priority.
_PRIORITIES = {1: "50", 5: "100"}

#: The position of the instance that was stopped before the failure.
_STOPPED = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How large the cloud is and how much of it fails.

    :param servers: instances on each host that fails
    :param fail: hosts that fail, all at once
    :param room: instances that fit on a host; None means enough for all
    :param options: of Masakari's ``[DEFAULT]``, where the usual ones do not
        do
    """

    hosts: int = 5
    servers: int = 20
    fail: int = 1
    room: int | None = None
    options: tuple[tuple[str, int], ...] = ()

    @property
    def names(self) -> list[str]:
        """All hosts, those first that fail."""
        return [f"compute-{number}" for number in range(self.hosts)]

    @property
    def failing(self) -> list[str]:
        return self.names[: self.fail]

    @property
    def total(self) -> int:
        """Instances on all failing hosts."""
        return self.servers * self.fail

    @property
    def rounds(self) -> int:
        """How often the destinations, all busy, have to start over."""
        at_once = (self.hosts - self.fail) * _REBUILDS
        return math.ceil(self.total / at_once)

    def build(self) -> Cloud:
        """The cloud, on the wall clock, before anything has failed."""
        cloud = Cloud(
            time.time,
            service_down_time=DOWN_TIME,
            report_interval=1.0,
            evacuation_seconds=EVACUATION_SECONDS,
            max_concurrent_rebuilds=_REBUILDS,
            stop_seconds=0.2,
        )
        room = self.total if self.room is None else self.room
        for name in self.names:
            cloud.add_host(name, slots=room)
        width = len(str(self.total))
        for number in range(self.total):
            host = self.failing[number % self.fail]
            position = number // self.fail
            cloud.create_server(
                f"vm-{number + 1:0{width}}",
                host,
                metadata=_metadata(position),
                vm_state="stopped" if position == _STOPPED else "active",
                project_id=known_id("project", "admin"),
                user_id=known_id("user", "admin"),
            )
        return cloud

    def best_seconds(self, cloud: Cloud) -> float:
        """The least time that evacuating all of them can take."""
        settings = cloud.settings
        one = settings.evacuation_seconds + settings.finishing_seconds
        return settings.scheduling_seconds + self.rounds * one


def _metadata(position: int) -> dict[str, str]:
    """One in four is HA-enabled, and the first of them have priorities."""
    if position % 4 != 1:
        return {}
    priority = _PRIORITIES.get(position)
    ranked = {} if priority is None else {"HA_Priority": priority}
    return {"HA_Enabled": "True", **ranked}
