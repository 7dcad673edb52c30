# SPDX-License-Identifier: Apache-2.0
"""Whether what has become of a scenario is what was expected."""

import collections
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.scenario import Scenario


class Outcome:
    """The facts of a scenario that has been played."""

    def __init__(self, scenario: "Scenario") -> None:
        self._scenario = scenario
        self._simulation = scenario.simulation
        self._expected = scenario.expected

    def check(self) -> None:
        """Compare what is, and how it came, with what was expected."""
        steps = self._simulation.steps
        assert steps.kill_at is None, "no engine was killed"
        assert not steps.freeze_at, "no engine was frozen"
        for fault in self._scenario.faults:
            assert fault.used, f"no call has met the {fault}"
        self.check_end()
        self._check_tasks()
        self._check_calls()
        self._check_times()

    def check_end(self) -> None:
        """Compare what is with what was expected, however it came."""
        self.check_sound()
        self._check_notifications()
        self._check_servers()
        self._check_moves()
        self._check_hosts()

    def check_sound(self) -> None:
        """Look whether all that was accepted has ended, and well."""
        found = {n.uuid: n for n in self._simulation.all_notifications()}
        for name, accepted in self._scenario.reports.items():
            assert accepted.uuid in found, f"{name} is lost"
        left = [
            f"{n.type} is {n.status}" for n in self._simulation.unfinished()
        ]
        assert not left, f"not ended: {left}"
        self._simulation.invariants.at_the_end()

    def _check_notifications(self) -> None:
        assert set(self._expected.notifications) == set(self._scenario.reports)
        for name, wanted in self._expected.notifications.items():
            report = self._scenario.reports[name]
            found = self._simulation.now(report)
            assert found.status == wanted["status"], (
                f"{name} is {found.status}: {found.message}"
            )
            if "message" in wanted:
                _expect_text(name, found.message, wanted["message"])
            if "attempts" in wanted:
                attempts = self._simulation.invariants.attempts(report.uuid)
                assert attempts == wanted["attempts"]

    def _check_tasks(self) -> None:
        for name, tasks in self._expected.tasks.items():
            progress = self._simulation.progress(self._scenario.reports[name])
            found_tasks = [f"{task.name} {task.state}" for task in progress]
            assert found_tasks == list(tasks)

    def _check_servers(self) -> None:
        for name, wanted in self._expected.servers.items():
            records = [
                self._simulation.cloud.servers.get(uuid)
                for uuid in self._scenario.servers[name]
            ]
            if wanted.get("gone"):
                assert records == [None] * len(records)
                continue
            fields = {
                "host": "host",
                "state": "vm_state",
                "power": "power_state",
                "task": "task_state",
                "locked": "locked",
            }
            for key, attribute in fields.items():
                if key in wanted:
                    found = [getattr(record, attribute) for record in records]
                    _expect_all(f"{name}.{key}", found, wanted[key])
            assert "task" in wanted or all(
                record is None or record.task_state is None
                for record in records
            ), f"{name} is left with a task"

    def _check_moves(self) -> None:
        moves: dict[str, list[Any]] = collections.defaultdict(list)
        for move in self._simulation.all_moves():
            moves[move.instance_uuid].append(move)
        for name, wanted in self._expected.moves.items():
            found = [
                str(moves[uuid][-1].status) if moves[uuid] else None
                for uuid in self._scenario.servers[name]
            ]
            _expect_all(f"{name}.move", found, wanted)
        for name, attempts in self._expected.attempts.items():
            for uuid in self._scenario.servers[name]:
                assert [move.status for move in moves[uuid]] == attempts
        for name, text in self._expected.messages.items():
            for uuid in self._scenario.servers[name]:
                _expect_text(name, moves[uuid][-1].message, text)

    def _check_hosts(self) -> None:
        cloud = self._simulation.cloud
        for name, wanted in self._expected.hosts.items():
            record = cloud.hosts[name]
            ours = self._simulation.host_now(self._scenario.hosts[name])
            found = {
                "reserved": ours.reserved,
                "on_maintenance": ours.on_maintenance,
                "enabled": record.enabled,
                "reason": record.disabled_reason,
                "forced_down": record.forced_down,
                "servers": sum(
                    server.host == name for server in cloud.servers.values()
                ),
            }
            assert {key: found[key] for key in wanted} == wanted, name
        members = {a.name: a.hosts for a in cloud.aggregates.values()}
        for name, hosts_in_it in self._expected.aggregates.items():
            assert members[name] == list(hosts_in_it), name

    def _check_calls(self) -> None:
        counts = self._simulation.cloud.counts
        for verb, wanted in self._expected.calls.items():
            least, most = wanted if isinstance(wanted, list) else (wanted,) * 2
            assert least <= counts[verb] <= most, f"{verb}: {counts[verb]}"
        asked = [
            self._scenario.names[uuid] for uuid in self._simulation.evacuated()
        ]
        if self._expected.order is not None:
            assert asked == list(self._expected.order)
        if self._expected.in_flight is not None:
            least, most = self._expected.in_flight
            assert least <= self._simulation.most_in_flight <= most

    def _check_times(self) -> None:
        started = self._scenario.first_report or 0.0
        if self._expected.within is not None:
            assert self._scenario.ended_at - started <= self._expected.within
        if self._expected.first_within is not None:
            first = self._simulation.cloud.migrations[0].created_at
            taken = first - self._simulation.clock.start - started
            assert taken <= self._expected.first_within


def _expect_text(
    name: str, found: str | None, wanted: str | Sequence[str] | None
) -> None:
    if wanted is None:
        assert found is None, f"{name}: {found}"
        return
    for text in [wanted] if isinstance(wanted, str) else wanted:
        assert re.search(text, found or ""), f"{name}: no {text} in {found}"


def _expect_all(name: str, found: Sequence[Any], wanted: Any) -> None:
    """One value for all, or how many have which, or a few that may be."""
    if isinstance(wanted, Mapping):
        counted = collections.Counter(str(value) for value in found)
        assert counted == wanted, f"{name}: {dict(counted)}"
    elif isinstance(wanted, list):
        assert set(found) <= set(wanted), f"{name}: {set(found)}"
    else:
        assert set(found) == {wanted}, f"{name}: {set(found)}"
