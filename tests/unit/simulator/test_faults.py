# SPDX-License-Identifier: Apache-2.0
"""The simulated cloud fails as it is told."""

import contextlib

import pytest

from masakari.nova import port
from masakari.simulator import gate
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute
from tests.unit.simulator.test_cloud import Clock, lose


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(clock: Clock) -> Cloud:
    made = Cloud(clock)
    for name in ("c1", "c2"):
        made.add_host(name)
    return made


@pytest.fixture
def compute(cloud: Cloud, clock: Clock) -> SimulatedCompute:
    def wait(seconds: float) -> None:
        clock.now += seconds

    return SimulatedCompute(cloud, timeout=30.0, wait=wait)


def test_nova_says_429_for_a_while(cloud, clock, compute):
    cloud.faults.add("*", 429, retry_after=5, until=clock.now + 60)
    with pytest.raises(port.Unavailable) as caught:
        compute.compute_services()
    assert caught.value.retry_after == 5
    clock.now += 60
    assert len(compute.compute_services()) == 2


def test_fault_is_used_up(cloud, compute):
    cloud.faults.add("compute_services", 503, times=2)
    for _ in range(2):
        with pytest.raises(port.Unavailable):
            compute.compute_services()
    compute.compute_services()


def test_refusal_has_code_and_reason(cloud, compute):
    server = cloud.create_server("s", "c1")
    other = cloud.create_server("t", "c1")
    cloud.faults.add("stop", 403, message="Not today.", server=server.uuid)
    with pytest.raises(port.Refused, match="Not today") as caught:
        compute.stop(server.uuid)
    assert caught.value.code == 403
    compute.stop(other.uuid)


def test_host_of_a_fault_is_the_servers(cloud, compute):
    here = cloud.create_server("s", "c1")
    there = cloud.create_server("t", "c2")
    cloud.faults.add("server", 500, host="c1")
    with pytest.raises(port.Unavailable):
        compute.server(here.uuid)
    compute.server(there.uuid)


def test_lost_evacuation_is_accepted_and_never_goes_on(cloud, clock, compute):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.faults.add("evacuate", "lost", times=1)
    compute.evacuate(server.uuid)
    clock.run(cloud)
    assert compute.server(server.uuid).task_state == "rebuilding"
    assert compute.evacuations("c1")[0].status == "accepted"


def test_lost_stop_changes_nothing(cloud, compute):
    server = cloud.create_server("s", "c1")
    cloud.faults.add("stop", "lost")
    compute.stop(server.uuid)
    assert compute.server(server.uuid).task_state is None


@pytest.mark.parametrize(("kind", "done"), [("hang", 0), ("timeout", 1)])
def test_no_answer_costs_the_timeout(cloud, clock, compute, kind, done):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.faults.add("evacuate", kind)
    before = clock.now
    with pytest.raises(port.Unavailable, match="30 seconds"):
        compute.evacuate(server.uuid)
    assert clock.now == before + 30
    assert len(cloud.migrations) == done


def test_what_is_late_is_done_after_all(cloud, clock, compute):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.faults.add("evacuate", "late", seconds=20, times=1)
    with pytest.raises(port.Unavailable, match="30 seconds"):
        compute.evacuate(server.uuid)
    (record,) = compute.evacuations("c1")
    assert record.instance_uuid == server.uuid
    assert cloud.migrations[0].created_at == clock.now - 10


def test_a_refusal_of_what_is_late_reaches_nobody(cloud, clock, compute):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.faults.add("evacuate", "late", seconds=20, times=1)
    cloud.revive("c1")
    with pytest.raises(port.Unavailable, match="30 seconds"):
        compute.evacuate(server.uuid)
    assert not compute.evacuations("c1")


def test_slow_answer_lets_time_pass(cloud, clock, compute):
    cloud.faults.add("compute_services", "slow", seconds=3, times=1)
    before = clock.now
    compute.compute_services()
    assert clock.now == before + 3


def test_too_slow_an_answer_is_none(cloud, compute):
    service = compute.compute_service("c1")
    cloud.kill("c1")
    with pytest.raises(port.Unavailable):
        compute.disable_service(service.id, "dead")
    assert not compute.compute_service("c1").enabled


@pytest.mark.parametrize("verb", ["evacuate", "rebuild"])
def test_evacuation_that_ends_in_error(cloud, clock, compute, verb):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.faults.add(verb, "fail", message="disk is broken", times=1)
    compute.evacuate(server.uuid)
    clock.run(cloud)
    seen = compute.server(server.uuid)
    assert (seen.vm_state, seen.host) == ("error", "c1")
    assert seen.fault == "disk is broken"
    assert compute.evacuations("c1")[0].failed
    compute.evacuate(server.uuid)
    clock.run(cloud)
    assert compute.server(server.uuid).host == "c2"


def test_claim_that_fails_leaves_the_server_as_it_was(cloud, clock, compute):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.faults.add("rebuild", "claim", host="c2")
    compute.evacuate(server.uuid)
    clock.run(cloud)
    seen = compute.server(server.uuid)
    assert (seen.vm_state, seen.task_state, seen.host) == (
        "active",
        None,
        "c1",
    )
    assert compute.evacuations("c1")[0].failed


def test_unknown_kind_is_an_error(cloud):
    with pytest.raises(ValueError, match="hagn"):
        cloud.faults.add("evacuate", "hagn")


def test_faults_can_be_removed(cloud, compute):
    fault = cloud.faults.add("*", "hang")
    with pytest.raises(gate.NoAnswer):
        cloud.compute.services()
    cloud.faults.remove(fault)
    compute.compute_services()


def test_a_fault_counts_its_uses(cloud, compute):
    fault = cloud.faults.add("compute_services", 503, times=2)
    for _ in range(3):
        with contextlib.suppress(port.Unavailable):
            compute.compute_services()
    compute.compute_service("c1")
    assert fault.used == 2
