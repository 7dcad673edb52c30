# SPDX-License-Identifier: Apache-2.0
"""What recovery tasks of third parties get from ``novaclient``."""

import functools
import time

import pytest

from masakari import context, exception
from masakari.engine.facade import NovaFacade
from masakari.nova import port
from masakari.simulator.cloud import Cloud
from masakari.simulator.port import SimulatedCompute

UNKNOWN = "3f2e1d0c-0000-4000-8000-000000000000"


class Somewhere:
    """A cloud, and the facade of a task on it."""

    def __init__(self) -> None:
        self.now = time.time()
        self.cloud = Cloud(lambda: self.now, service_down_time=10.0)
        for name in ("one", "two"):
            self.cloud.add_host(name, hypervisor=f"{name}.example.org")
        self.compute = SimulatedCompute(self.cloud)
        self.nova = NovaFacade(self.compute)
        self.context = context.admin("req-facade")

    def server(self, host="one", **kwargs):
        return self.cloud.create_server("vm", host, **kwargs).uuid

    def kill(self, host):
        self.cloud.kill(host)
        self.later(15)

    def later(self, seconds):
        self.now += seconds


@pytest.fixture
def there():
    return Somewhere()


def test_a_server_is_shown_as_novaclient_shows_it(there):
    uuid = there.server(metadata={"HA_Enabled": "True"})
    seen = there.nova.get_server(there.context, uuid)
    assert seen.id == uuid
    assert seen.name == "vm"
    assert seen.metadata == {"HA_Enabled": "True"}
    assert seen.locked is False
    assert getattr(seen, "OS-EXT-STS:vm_state") == "active"
    assert getattr(seen, "OS-EXT-STS:task_state") is None
    assert getattr(seen, "OS-EXT-STS:power_state") == 1
    assert getattr(seen, "OS-EXT-SRV-ATTR:host") == "one"
    name = "OS-EXT-SRV-ATTR:hypervisor_hostname"
    assert getattr(seen, name) == "one.example.org"


def test_servers_are_those_of_the_host(there):
    wanted = {there.server(), there.server()}
    there.server("two")
    found = there.nova.get_servers(there.context, "one")
    assert {server.id for server in found} == wanted


def test_what_is_shown_cannot_be_changed(there):
    seen = there.nova.get_server(there.context, there.server())
    with pytest.raises(AttributeError, match="name can only be read"):
        seen.name = "another"
    with pytest.raises(AttributeError, match="name can only be read"):
        del seen.name


def test_arguments_have_the_names_of_the_contract(there):
    nova, at = there.nova, there.context
    uuid = there.server()
    assert nova.get_servers(context=at, host="one")[0].id == uuid
    assert nova.get_server(context=at, uuid=uuid).id == uuid
    assert nova.find_compute_service(context=at, name="one").host == "one"
    nova.enable_disable_service(
        context=at, host_name="one", enable=False, reason="broken"
    )
    assert nova.is_service_disabled(
        context=at, host_name="one", binary="nova-compute"
    )
    nova.reset_instance_state(context=at, uuid=uuid, status="active")


def test_a_service_is_disabled_and_enabled(there):
    nova, at = there.nova, there.context
    assert not nova.is_service_disabled(at, "one", "nova-compute")
    nova.enable_disable_service(at, "one", reason="broken")
    assert nova.is_service_disabled(at, "one", "nova-compute")
    assert nova.find_compute_service(at, "one").disabled_reason == "broken"
    nova.enable_disable_service(at, "one", enable=True)
    assert nova.find_compute_service(at, "one").status == "enabled"


def test_it_can_be_disabled_without_a_reason(there):
    there.nova.enable_disable_service(there.context, "one")
    service = there.nova.find_compute_service(there.context, "one")
    assert (service.status, service.disabled_reason) == ("disabled", None)


def test_a_service_tells_whether_it_is_up(there):
    find = functools.partial(
        there.nova.find_compute_service, there.context, "one"
    )
    assert (find().binary, find().state) == ("nova-compute", "up")
    there.kill("one")
    assert find().state == "down"


def test_no_other_service_is_known(there):
    with pytest.raises(exception.NotFound, match="nova-conductor"):
        there.nova.is_service_disabled(there.context, "one", "nova-conductor")


def test_an_evacuated_server_runs_again(there):
    uuid = there.server()
    there.kill("one")
    there.nova.evacuate_instance(there.context, uuid, target="two")
    there.later(30)
    seen = there.nova.get_server(there.context, uuid)
    assert getattr(seen, "OS-EXT-SRV-ATTR:host") == "two"
    assert getattr(seen, "OS-EXT-STS:vm_state") == "active"


def test_a_server_is_stopped_started_locked_and_unlocked(there):
    nova, at, uuid = there.nova, there.context, there.server()

    def seen():
        return nova.get_server(at, uuid)

    nova.stop_server(at, uuid)
    there.later(30)
    assert getattr(seen(), "OS-EXT-STS:vm_state") == "stopped"
    nova.start_server(at, uuid)
    there.later(30)
    assert getattr(seen(), "OS-EXT-STS:vm_state") == "active"
    nova.lock_server(at, uuid)
    assert seen().locked
    nova.unlock_server(at, uuid)
    assert not seen().locked


def test_the_state_of_a_server_is_reset_to_error(there):
    uuid = there.server()
    there.nova.reset_instance_state(there.context, uuid)
    seen = there.nova.get_server(there.context, uuid)
    assert getattr(seen, "OS-EXT-STS:vm_state") == "error"


def test_a_host_is_added_to_an_aggregate_once_or_more(there):
    there.cloud.create_aggregate("spare")
    nova, at = there.nova, there.context
    (aggregate,) = nova.get_aggregate_list(at)
    assert (aggregate.name, aggregate.hosts) == ("spare", [])
    nova.add_host_to_aggregate(at, "one", aggregate)
    nova.add_host_to_aggregate(at, "one", aggregate)
    assert nova.get_aggregate_list(at)[0].hosts == ["one"]


def test_what_nova_does_not_know_is_not_found(there):
    nova, at = there.nova, there.context
    there.cloud.create_aggregate("spare")
    (aggregate,) = nova.get_aggregate_list(at)
    for call in (
        functools.partial(nova.get_server, at, UNKNOWN),
        functools.partial(nova.stop_server, at, UNKNOWN),
        functools.partial(nova.evacuate_instance, at, UNKNOWN),
        functools.partial(nova.find_compute_service, at, "nowhere"),
        functools.partial(nova.enable_disable_service, at, "nowhere"),
        functools.partial(
            nova.add_host_to_aggregate, at, "nowhere", aggregate
        ),
    ):
        with pytest.raises(exception.NotFound) as caught:
            call()
        assert isinstance(caught.value.__cause__, port.NotFound)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, exception.InvalidInput),
        (403, exception.Forbidden),
        (404, exception.NotFound),
        (409, exception.Conflict),
        (422, exception.MasakariException),
    ],
)
def test_what_nova_refuses_is_raised_in_words_of_ours(there, code, kind):
    uuid = there.server()
    there.cloud.faults.add("stop", code)
    with pytest.raises(kind) as caught:
        there.nova.stop_server(there.context, uuid)
    assert type(caught.value) is kind
    assert isinstance(caught.value.__cause__, port.ComputeError)


def test_a_nova_that_cannot_answer_is_an_error_of_ours_too(there):
    there.cloud.faults.add("server", 503)
    with pytest.raises(exception.MasakariException):
        there.nova.get_server(there.context, UNKNOWN)
