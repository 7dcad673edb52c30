# SPDX-License-Identifier: Apache-2.0
"""Recoveries over a database that refuses commits, or loses the answers.

So does a node of a Galera cluster when another one was faster, or a proxy
before it when it turns to another node.
"""

import itertools
from collections.abc import Iterator

import pytest

from masakari.db import hosts
from masakari.domain.model import Host, NotificationStatus, VMoveStatus
from tests.functional.db.commits import DONE, REFUSED, Commits
from tests.simulation.harness import Simulation


def every(number: int, fate: str) -> Iterator[str | None]:
    """What becomes of commits of which each so many-th fails."""
    return itertools.cycle([*[None] * (number - 1), fate])


@pytest.fixture(params=[REFUSED, DONE])
def fate(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def commits(simulation: Simulation) -> Iterator[Commits]:
    failing = Commits(simulation.database)
    yield failing
    assert failing.failed >= 5
    failing.heal()


def states(simulation: Simulation, uuids: list[str]) -> set[str]:
    return {simulation.cloud.servers[uuid].vm_state for uuid in uuids}


@pytest.mark.parametrize("number", [2, 3, 5])
def test_every_instance_comes_back(
    simulation: Simulation, commits: Commits, number: int, fate: str
) -> None:
    failed, *_others = simulation.hosts(4)
    uuids = simulation.servers(failed, 12)
    commits.fail(every(number, fate))
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is NotificationStatus.FINISHED
    assert states(simulation, uuids) == {"active"}
    moves = simulation.vmoves(notification)
    assert sorted(move.instance_uuid for move in moves) == sorted(uuids)
    assert {move.status for move in moves} == {VMoveStatus.SUCCEEDED}
    assert len(simulation.cloud.migrations) == len(uuids)


def reserve(simulation: Simulation, host: Host) -> None:
    record = simulation.cloud.hosts[host.name]
    record.slots, record.enabled = 4, False
    simulation.database.write(hosts.update, host.uuid, reserved=True)


@pytest.mark.parametrize("number", [2, 3, 5])
def test_reserved_hosts_are_taken_as_they_are_needed(
    simulation: Simulation, commits: Commits, number: int, fate: str
) -> None:
    failed, *others = simulation.hosts(4, method="reserved_host")
    for host in others:
        reserve(simulation, host)
    uuids = simulation.servers(failed, 7)
    commits.fail(every(number, fate))
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is NotificationStatus.FINISHED
    assert states(simulation, uuids) == {"active"}
    kept = [simulation.host_now(host).reserved for host in others]
    enabled = [simulation.cloud.hosts[host.name].enabled for host in others]
    assert sorted(kept) == [False, False, True]
    assert enabled == [not reserved for reserved in kept]
