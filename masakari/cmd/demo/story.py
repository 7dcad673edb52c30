# SPDX-License-Identifier: Apache-2.0
"""The story: segment and hosts, a failure, its report, the recovery.

Everything that a user or a monitor would do goes through openstacksdk;
nothing here knows how it is shown.
"""

import datetime
import itertools
import threading
from typing import Any

from masakari.cmd.demo.result import Report, Requests, Result
from masakari.cmd.demo.scenario import DOWN_TIME, Scenario
from masakari.cmd.demo.show import Show
from masakari.cmd.demo.stack import Stack
from masakari.cmd.demo.watch import Watch

#: Seconds between two looks at the simulated cloud.
_TICK = 0.1

#: Looks at the cloud for one at the notifications, while instances move.
_SELDOM = 20

_ENDS = frozenset({"finished", "failed", "ignored", "error"})

#: Seconds beyond the best possible time after which nothing will come.
_PATIENCE = 180.0


class Story:
    """One failure and its recovery.

    :param stack: already started
    """

    def __init__(self, scenario: Scenario, stack: Stack, show: Show) -> None:
        self._scenario = scenario
        self._simulator = stack.simulator
        self._cloud = stack.cloud
        self._show = show
        self._watch = Watch(stack.cloud, scenario.failing)
        self._pause = threading.Event()

    def play(self, masakari: Any) -> Result:
        """Tell it from beginning to end.

        :param masakari: openstacksdk's ``instance_ha``
        :raises openstack.exceptions.SDKException: Masakari does not answer
            as it should
        """
        self._register(masakari)
        failed_at = self._fail()
        before = self._requests()
        notifications = {
            host: _notify(masakari, host) for host in self._scenario.failing
        }
        self._show.say("The host monitor has notified Masakari.")
        statuses = self._follow(masakari, notifications, failed_at)
        requests = self._requests() - before
        result = Result(
            hosts=self._scenario.hosts,
            moves=self._watch.moves,
            reports=[
                _read(masakari, host, uuid, statuses[host])
                for host, uuid in notifications.items()
            ],
            failed_at=failed_at,
            down_at=self._down_at(),
            best_seconds=self._scenario.best_seconds(self._cloud),
            rounds=self._scenario.rounds,
            rebuilds=self._cloud.settings.max_concurrent_rebuilds,
            evacuation_seconds=self._cloud.settings.evacuation_seconds,
            requests=requests,
        )
        self._show.summarise(result)
        return result

    def _register(self, masakari: Any) -> None:
        segment = masakari.create_segment(
            name="demo", recovery_method="auto", service_type="compute"
        )
        for name in self._scenario.names:
            masakari.create_host(
                segment.uuid,
                name=name,
                type="COMPUTE",
                control_attributes="SSH",
            )
        self._show.say(
            f"Segment {segment.name} has {self._scenario.hosts} hosts."
        )

    def _fail(self) -> float:
        dead = self._scenario.failing
        for host in dead:
            self._cloud.kill(host)
        count = self._scenario.total
        self._show.say(
            f"{' and '.join(dead)} lost power, with {count} "
            f"instance{'s' if count > 1 else ''}."
        )
        return self._cloud.now

    def _follow(
        self, masakari: Any, notifications: dict[str, str], failed_at: float
    ) -> dict[str, str]:
        """Show what happens until every notification has ended."""
        best = self._scenario.best_seconds(self._cloud)
        give_up_at = failed_at + DOWN_TIME + best + _PATIENCE
        statuses = dict.fromkeys(notifications, "new")
        for tick in itertools.count():
            self._watch.look()
            self._show.update(
                self._phase(), self._cloud.now - failed_at, self._watch.moves
            )
            if self._watch.settled or tick % _SELDOM == 0:
                for host, uuid in notifications.items():
                    found = masakari.get_notification(uuid)
                    statuses[host] = found.status
            ended = _ENDS.issuperset(statuses.values())
            if ended or self._cloud.now > give_up_at:
                break
            self._pause.wait(_TICK)
        self._watch.look()
        self._show.update(
            "Recovery is over", self._cloud.now - failed_at, self._watch.moves
        )
        return statuses

    def _phase(self) -> str:
        moves = self._watch.moves
        if any(self._cloud.is_up(host) for host in self._scenario.failing):
            return "Waiting until Nova calls the host down"
        if all(move.asked_at is None for move in moves):
            return "Nova calls the host down"
        return "Verifying" if self._watch.settled else "Evacuating"

    def _requests(self) -> Requests:
        return Requests(dict(self._simulator.requests))

    def _down_at(self) -> dict[str, float]:
        """When Nova showed each failed host down, as it decides it."""
        limit = self._cloud.settings.service_down_time
        return {
            host: self._cloud.hosts[host].last_report + limit
            for host in self._scenario.failing
        }


def _notify(masakari: Any, host: str) -> str:
    """Report the failure as a host monitor does."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    made = masakari.create_notification(
        type="COMPUTE_HOST",
        hostname=host,
        generated_time=now.isoformat(),
        payload={
            "event": "STOPPED",
            "cluster_status": "OFFLINE",
            "host_status": "NORMAL",
        },
    )
    return str(made.notification_uuid)


def _read(masakari: Any, host: str, uuid: str, status: str) -> Report:
    moves = masakari.vmoves(uuid)
    return Report(
        uuid=uuid,
        host=host,
        status=status,
        moves={move.server_id: move.status for move in moves},
    )
