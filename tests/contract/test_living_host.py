# SPDX-License-Identifier: Apache-2.0
"""The compute port while all hosts are up."""

import functools
import uuid

import pytest

from masakari.nova import port
from tests.contract.clouds import HOSTS, until


@pytest.fixture
def server(cloud):
    made = cloud.create_server("one", HOSTS[0], {"HA_Enabled": "True"})
    until(lambda: cloud.compute.server(made).vm_state == "active", cloud)
    yield made
    cloud.delete_server(made)


def settled(cloud, server, vm_state):
    def check():
        seen = cloud.compute.server(server)
        return (seen.vm_state, seen.task_state) == (vm_state, None) and seen

    return until(check, cloud)


def test_services_are_listed(cloud):
    services = cloud.compute.compute_services()
    assert {s.host for s in services} == set(HOSTS)
    assert all(s.up and s.enabled for s in services)
    assert not any(s.forced_down for s in services)


def test_service_is_found_by_its_exact_host(cloud):
    assert cloud.compute.compute_service(HOSTS[1]).host == HOSTS[1]
    for other in ("compute", "compute-11", ""):
        with pytest.raises(port.NotFound):
            cloud.compute.compute_service(other)


def test_service_is_disabled_and_enabled(cloud):
    compute = cloud.compute
    service = compute.compute_service(HOSTS[2])
    compute.disable_service(service.id, "a reason")
    seen = compute.compute_service(HOSTS[2])
    assert (seen.enabled, seen.disabled_reason) == (False, "a reason")
    assert seen.up
    compute.disable_service(service.id, "another")
    assert compute.compute_service(HOSTS[2]).disabled_reason == "another"
    compute.enable_service(service.id)
    seen = compute.compute_service(HOSTS[2])
    assert (seen.enabled, seen.disabled_reason) == (True, None)


def test_living_service_can_be_forced_down_and_up(cloud):
    compute = cloud.compute
    service = compute.compute_service(HOSTS[2])
    compute.force_down(service.id, True)
    seen = compute.compute_service(HOSTS[2])
    assert (seen.up, seen.forced_down) == (False, True)
    compute.force_down(service.id, False)
    assert until(lambda: compute.compute_service(HOSTS[2]).up, cloud)


def test_unknown_service(cloud):
    unknown = str(uuid.uuid4())
    for call in (
        functools.partial(cloud.compute.disable_service, unknown, "why"),
        functools.partial(cloud.compute.enable_service, unknown),
        functools.partial(cloud.compute.force_down, unknown, True),
    ):
        with pytest.raises(port.NotFound):
            call()


def test_server_is_shown(cloud, server):
    seen = cloud.compute.server(server)
    assert seen.name == "one"
    assert seen.host == HOSTS[0]
    assert seen.hypervisor == cloud.hypervisor_of(HOSTS[0])
    assert (seen.vm_state, seen.task_state) == ("active", None)
    assert seen.power_state == 1
    assert seen.metadata == {"HA_Enabled": "True"}
    assert not seen.locked
    assert seen.fault is None


def test_servers_of_a_host(cloud, server):
    listed = {s.uuid: s for s in cloud.compute.servers_on(HOSTS[0])}
    assert listed[server] == cloud.compute.server(server)
    assert server not in {s.uuid for s in cloud.compute.servers_on(HOSTS[1])}
    assert cloud.compute.servers_on("nowhere") == []


@pytest.mark.parametrize(
    "verb",
    ["server", "evacuate", "stop", "start", "reboot", "lock", "unlock"],
)
def test_unknown_server(cloud, verb):
    with pytest.raises(port.NotFound):
        getattr(cloud.compute, verb)(str(uuid.uuid4()))


def test_state_of_unknown_server_cannot_be_reset(cloud):
    with pytest.raises(port.NotFound):
        cloud.compute.reset_state(str(uuid.uuid4()), "error")


def test_lock_and_unlock(cloud, server):
    cloud.compute.lock(server)
    assert cloud.compute.server(server).locked
    cloud.compute.stop(server)
    settled(cloud, server, "stopped")
    cloud.compute.unlock(server)
    assert not cloud.compute.server(server).locked


def test_stop_and_start(cloud, server):
    cloud.compute.stop(server)
    assert settled(cloud, server, "stopped").power_state == 4
    with pytest.raises(port.Refused) as caught:
        cloud.compute.stop(server)
    assert caught.value.conflict
    cloud.compute.start(server)
    assert settled(cloud, server, "active").power_state == 1
    with pytest.raises(port.Refused) as caught:
        cloud.compute.start(server)
    assert caught.value.code == 409
    assert server in str(caught.value)


def test_reset_state_says_what_it_is_told(cloud, server):
    cloud.compute.reset_state(server, "error")
    assert cloud.compute.server(server).vm_state == "error"
    cloud.compute.reset_state(server, "active")
    assert cloud.compute.server(server).vm_state == "active"


def test_server_in_error_can_be_stopped(cloud, server):
    cloud.compute.reset_state(server, "error")
    cloud.compute.stop(server)
    settled(cloud, server, "stopped")


def test_server_in_error_or_stopped_can_be_rebooted(cloud, server):
    cloud.compute.reset_state(server, "error")
    cloud.compute.reboot(server)
    assert settled(cloud, server, "active").power_state == 1
    cloud.compute.stop(server)
    settled(cloud, server, "stopped")
    cloud.compute.reboot(server)
    settled(cloud, server, "active")


def test_a_server_tells_when_it_changed(cloud, server):
    before = cloud.compute.server(server).updated_at
    assert before is not None

    def changed():
        cloud.compute.reset_state(server, "error")
        now = cloud.compute.server(server).updated_at
        assert now is not None
        return now > before

    until(changed, cloud)


def test_evacuation_from_a_living_host_is_refused(cloud, server):
    with pytest.raises(port.Refused, match="still in use") as caught:
        cloud.compute.evacuate(server)
    assert caught.value.code == 400
    assert not caught.value.conflict
    assert cloud.compute.server(server).task_state is None


def test_host_is_in_an_aggregate_once_or_not_at_all(cloud):
    compute = cloud.compute
    made = cloud.create_aggregate("spare")
    try:
        compute.add_host_to_aggregate(made, HOSTS[0])
        seen = {a.id: a for a in compute.aggregates()}
        assert (seen[made].name, seen[made].hosts) == ("spare", (HOSTS[0],))
        with pytest.raises(port.Refused) as caught:
            compute.add_host_to_aggregate(made, HOSTS[0])
        assert caught.value.conflict
        with pytest.raises(port.NotFound):
            compute.add_host_to_aggregate(made, "nowhere")
        compute.remove_host_from_aggregate(made, HOSTS[0])
        seen = {a.id: a for a in compute.aggregates()}
        assert seen[made].hosts == ()
        with pytest.raises(port.NotFound):
            compute.remove_host_from_aggregate(made, HOSTS[0])
    finally:
        cloud.delete_aggregate(made)
    with pytest.raises(port.NotFound):
        compute.add_host_to_aggregate(999999, HOSTS[0])


def test_nova_can_leave_evacuated_servers_stopped(cloud):
    assert cloud.compute.evacuates_stopped


def test_port_of_a_request_does_the_same(cloud, server):
    other = cloud.compute.for_claim(f"req-{uuid.uuid4()}")
    assert other.server(server) == cloud.compute.server(server)
