# SPDX-License-Identifier: Apache-2.0
"""The figures of a demonstration, from the simulated cloud's own records."""

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

from masakari.cmd.demo.watch import Move

#: What the figures are measured against.
FIRST_WITHIN = 1.0
RATIO_WITHIN = 1.2

#: How many requests came: by service, method and route.
Requests = collections.Counter[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What Masakari says of a notification and of its moves.

    :param moves: uuids of instances, and the status of their vmove
    """

    uuid: str
    host: str
    status: str
    moves: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a demonstration went; times are epoch seconds.

    :param down_at: when Nova showed each failed host down
    :param best_seconds: the least time that the cloud's limits allow
    :param rounds: how often its destinations have to start over in it
    :param requests: what Nova and Keystone were asked from the report of
        the failure until its notification ended, by Masakari alone
    """

    hosts: int
    moves: list[Move]
    reports: list[Report]
    failed_at: float
    down_at: Mapping[str, float]
    best_seconds: float
    rounds: int
    rebuilds: int
    evacuation_seconds: float
    requests: Requests

    @property
    def begin(self) -> float:
        """When Nova showed the first of the hosts down."""
        return min(self.down_at.values())

    @property
    def first_seconds(self) -> float | None:
        """From a host's being down to its first evacuation, at the worst."""
        asked: dict[str, float] = {}
        for move in self.moves:
            if move.asked_at is not None:
                known = asked.setdefault(move.source, move.asked_at)
                asked[move.source] = min(known, move.asked_at)
        if set(asked) != set(self.down_at):
            return None
        return max(asked[host] - down for host, down in self.down_at.items())

    @property
    def last_seconds(self) -> float | None:
        """From the first host's being down until the last one was back."""
        ends = [m.ended_at for m in self.moves if m.is_back and m.ended_at]
        if len(ends) < len(self.moves):
            return None
        return max(ends) - self.begin

    @property
    def ratio(self) -> float | None:
        last = self.last_seconds
        return None if last is None else last / self.best_seconds

    @property
    def most_in_flight(self) -> int:
        """Evacuations that Nova had accepted and not ended, at the most."""
        changes = [(m.asked_at, 1) for m in self.moves if m.asked_at]
        changes += [
            (m.ended_at, -1) for m in self.moves if m.asked_at and m.ended_at
        ]
        most = now = 0
        for _, change in sorted(changes):
            now += change
            most = max(most, now)
        return most

    def calls(self, service: str) -> int:
        """Requests to ``compute`` or ``identity``."""
        return sum(n for (to, _), n in self.requests.items() if to == service)

    @property
    def problems(self) -> list[str]:
        """Why not every instance is back; empty when every one is."""
        found = [
            f"Notification {report.uuid} of {report.host} is {report.status}."
            for report in self.reports
            if report.status != "finished"
        ]
        if len(self.reports) < len(self.down_at):
            found.append("Not every failure has been reported.")
        statuses: dict[str, str] = {}
        for report in self.reports:
            statuses |= report.moves
        for move in self.moves:
            status = statuses.get(move.uuid, "missing")
            if not move.is_back:
                fault = f" {move.fault}" if move.fault else ""
                found.append(f"{move.name} is not back: {move.state}.{fault}")
            elif status != "succeeded":
                found.append(f"The vmove of {move.name} is {status}.")
        return found

    def document(self) -> dict[str, Any]:
        """All of it as JSON has it; ``seconds`` count from ``begin``."""
        count = len(self.moves)
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "hosts": self.hosts,
            "failed_hosts": list(self.down_at),
            "instances": count,
            "limits": {
                "destinations": self.hosts - len(self.down_at),
                "rebuilds_of_a_destination": self.rebuilds,
                "evacuation_seconds": self.evacuation_seconds,
                "rounds": self.rounds,
            },
            "seconds": {
                "failure_to_down": self.begin - self.failed_at,
                "down_to_first_evacuation": self.first_seconds,
                "down_to_last_back": self.last_seconds,
                "best_possible": self.best_seconds,
                "ratio_to_best": self.ratio,
            },
            "calls": {
                "counted": "all requests from the notification to its end, "
                "all of them Masakari's",
                "nova": self.calls("compute"),
                "nova_per_instance": self.calls("compute") / count,
                "keystone": self.calls("identity"),
                "keystone_per_instance": self.calls("identity") / count,
                "by_request": {
                    f"{service} {request}": number
                    for (service, request), number in sorted(
                        self.requests.items()
                    )
                },
            },
            "most_in_flight": self.most_in_flight,
            "notifications": [
                {"uuid": r.uuid, "host": r.host, "status": r.status}
                for r in self.reports
            ],
            "moves": [self._move(move) for move in self.moves],
        }

    def _move(self, move: Move) -> dict[str, Any]:
        fields = dataclasses.asdict(move)
        del fields["progress"], fields["seconds"]
        for name in ("asked_at", "began_at", "ended_at"):
            moment = fields.pop(name)
            seconds = None if moment is None else moment - self.begin
            fields[name.removesuffix("_at") + "_seconds"] = seconds
        return fields
