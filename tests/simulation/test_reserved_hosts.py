# SPDX-License-Identifier: Apache-2.0
"""Instances go to reserved hosts: as many as it takes, and no more."""

import collections

import pytest

from masakari.db import hosts
from masakari.domain.model import Host, NotificationStatus, VMoveStatus
from masakari.domain.settings import RecoverySettings
from tests.simulation.harness import Simulation

FINISHED = NotificationStatus.FINISHED
FAILED = NotificationStatus.FAILED


def reserve(simulation: Simulation, host: Host, *, slots: int) -> Host:
    """Make it a reserved host as operators keep them: disabled in Nova."""
    record = simulation.cloud.hosts[host.name]
    record.slots = slots
    record.enabled = False
    record.disabled_reason = "reserved"
    return simulation.database.write(hosts.update, host.uuid, reserved=True)


def placed(simulation: Simulation, uuids: list[str]) -> dict[str | None, int]:
    servers = simulation.cloud.servers
    return collections.Counter(servers[uuid].host for uuid in uuids)


def last(simulation: Simulation, notification) -> set[VMoveStatus | None]:
    moves = simulation.vmoves(notification)
    return set({m.instance_uuid: m.status for m in moves}.values())


def test_all_go_to_the_newest_reserved_host(simulation: Simulation) -> None:
    failed, _other, old, new = simulation.hosts(4, method="reserved_host")
    old, new = (reserve(simulation, h, slots=50) for h in (old, new))
    uuids = simulation.servers(failed, 12)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert placed(simulation, uuids) == {new.name: 12}
    assert not simulation.host_now(new).reserved
    assert simulation.host_now(old).reserved
    assert simulation.cloud.hosts[new.name].enabled
    assert not simulation.cloud.hosts[old.name].enabled


def test_one_after_the_other_where_one_is_not_enough(
    simulation: Simulation,
) -> None:
    failed, one, two, three = simulation.hosts(4, method="reserved_host")
    for host in (one, two, three):
        reserve(simulation, host, slots=8)
    uuids = simulation.servers(failed, 12)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert placed(simulation, uuids) == {three.name: 8, two.name: 4}
    assert last(simulation, notification) == {VMoveStatus.SUCCEEDED}
    assert len(simulation.vmoves(notification)) == 12
    assert simulation.host_now(one).reserved
    assert not simulation.host_now(two).reserved


def test_the_next_is_used_while_the_first_still_works() -> None:
    simulation = Simulation(
        evacuation_seconds=30.0, max_concurrent_rebuilds=20
    )
    failed, one, two = simulation.hosts(3, method="reserved_host")
    for host in (one, two):
        reserve(simulation, host, slots=5)
    simulation.servers(failed, 10)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    starts = [m.created_at for m in simulation.cloud.migrations]
    assert max(starts) - min(starts) < 5
    # Three more were refused for lack of room, at once.
    assert simulation.most_in_flight >= 10


def test_one_bad_instance_does_not_use_up_the_reserves() -> None:
    simulation = Simulation(
        RecoverySettings(evacuate_to_stopped_at_last=False)
    )
    failed, one, two, three = simulation.hosts(4, method="reserved_host")
    for host in (one, two, three):
        reserve(simulation, host, slots=50)
    bad, *good = simulation.servers(failed, 6)
    simulation.cloud.faults.add("rebuild", "fail", server=bad)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    assert placed(simulation, good) == {three.name: 5}
    for host in (one, two):
        assert simulation.host_now(host).reserved
        record = simulation.cloud.hosts[host.name]
        assert (record.enabled, record.disabled_reason) == (False, "reserved")
    assert simulation.cloud.servers[bad].host == failed.name
    ends = {m.instance_uuid: m for m in simulation.vmoves(notification)}
    assert ends[bad].status is VMoveStatus.FAILED
    assert ends[bad].message


def test_without_reserved_hosts_it_ends_in_error(
    simulation: Simulation,
) -> None:
    failed, _other = simulation.hosts(2, method="reserved_host")
    uuids = simulation.servers(failed, 2)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    assert "No reserved_hosts available" in str(notification.message)
    assert placed(simulation, uuids) == {failed.name: 2}
    assert last(simulation, notification) == {VMoveStatus.FAILED}


def test_a_reserve_that_is_down_is_passed_over(
    simulation: Simulation,
) -> None:
    failed, one, two = simulation.hosts(3, method="reserved_host")
    for host in (one, two):
        reserve(simulation, host, slots=50)
    uuids = simulation.servers(failed, 3)
    simulation.cloud.kill(two.name)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert placed(simulation, uuids) == {one.name: 3}
    assert simulation.host_now(two).reserved
    assert not simulation.cloud.hosts[two.name].enabled


@pytest.mark.parametrize("method", ["auto_priority", "rh_priority"])
def test_what_the_first_way_does_not_take_goes_the_second_at_once(
    simulation: Simulation, method: str
) -> None:
    failed, other, spare = simulation.hosts(3, method=method, slots=4)
    reserve(simulation, spare, slots=4)
    uuids = simulation.servers(failed, 8)
    notification = simulation.fail(failed)
    began = simulation.clock.elapsed
    seen = simulation.recover(notification)
    assert seen.status is FINISHED
    assert placed(simulation, uuids) == {other.name: 4, spare.name: 4}
    for uuid in uuids:
        assert simulation.cloud.servers[uuid].vm_state == "active"
    assert len(simulation.vmoves(notification)) == 8
    assert simulation.clock.elapsed - began < 30


def test_auto_priority_keeps_the_reserve_when_it_is_not_needed(
    simulation: Simulation,
) -> None:
    failed, _other, spare = simulation.hosts(3, method="auto_priority")
    reserve(simulation, spare, slots=4)
    simulation.servers(failed, 8)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    assert simulation.host_now(spare).reserved
    assert not simulation.cloud.hosts[spare.name].enabled


def test_a_reserve_joins_all_aggregates_of_the_failed_host() -> None:
    simulation = Simulation(RecoverySettings(add_reserve_to_aggregates=True))
    failed, spare, idle = simulation.hosts(3, method="reserved_host")
    idle = reserve(simulation, idle, slots=0)
    spare = reserve(simulation, spare, slots=9)
    simulation.cloud.create_aggregate("a", (failed.name, spare.name))
    simulation.cloud.create_aggregate("b", (failed.name,))
    simulation.cloud.create_aggregate("c", ())
    simulation.servers(failed, 4)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FINISHED
    members = [a.hosts for a in simulation.cloud.aggregates.values()]
    assert members == [
        [failed.name, spare.name],
        [failed.name, spare.name],
        [],
    ]


def test_two_hosts_never_get_the_same_reserve(simulation: Simulation) -> None:
    """The second engine takes it while the first one looks at its health."""
    first, second, one = simulation.hosts(3, method="reserved_host")
    reserve(simulation, one, slots=50)
    simulation.servers(first, 2)
    simulation.servers(second, 2)
    simulation.cloud.kill(first.name)
    simulation.cloud.kill(second.name)
    simulation.clock.pass_time(10)
    a, b = simulation.notify(first), simulation.notify(second)
    simulation.run(
        simulation.engine("engine-1"), simulation.engine("engine-2")
    )
    statuses = {simulation.now(n).status for n in (a, b)}
    assert statuses == {FINISHED, FAILED}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("verb", "count"),
    [
        ("compute_service", 3),
        ("enable_service", 1),
        ("evacuate", 1),
        ("evacuate", 5),
        ("evacuate", 10),
        ("servers_on", 2),
        ("servers_on", 3),
    ],
)
def test_another_engine_goes_on_with_the_reserves_of_a_killed_one(
    simulation: Simulation, verb: str, count: int, when: str
) -> None:
    failed, one, two, three = simulation.hosts(4, method="reserved_host")
    for host in (one, two, three):
        reserve(simulation, host, slots=6)
    uuids = simulation.servers(failed, 8)
    notification = simulation.fail(failed)
    simulation.steps.kill_at = (when, verb, count)
    engines = [simulation.engine(name) for name in ("engine-1", "engine-2")]
    simulation.run(*engines)
    assert not engines[0].alive
    assert simulation.now(notification).status is FINISHED
    assert placed(simulation, uuids) == {three.name: 6, two.name: 2}
    assert simulation.host_now(one).reserved
    assert not simulation.cloud.hosts[one.name].enabled
