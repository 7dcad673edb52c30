# SPDX-License-Identifier: Apache-2.0
"""The simulated cloud keeps to Nova's rules."""

import dataclasses

import pytest

from masakari.simulator import gate, records
from masakari.simulator.cloud import Cloud


@dataclasses.dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def run(self, cloud: Cloud, seconds: float = 600.0) -> None:
        """Jump from event to event until nothing is left to do."""
        end = self.now + seconds
        moment = cloud.next_event_at()
        while moment is not None and moment <= end:
            self.now = max(self.now, moment)
            cloud.advance_to(self.now)
            moment = cloud.next_event_at()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(clock: Clock) -> Cloud:
    made = Cloud(clock, evacuation_seconds=2.0)
    for name in ("c1", "c2", "c3"):
        made.add_host(name, slots=10)
    return made


def lose(cloud: Cloud, clock: Clock, host: str) -> None:
    cloud.kill(host)
    clock.now += 71


def refusal(call: object, *args: object, **kwargs: object) -> int:
    with pytest.raises(records.CloudError) as caught:
        call(*args, **kwargs)  # type: ignore[operator]
    return caught.value.code


def test_service_goes_down_after_its_last_report(cloud, clock):
    clock.now += 25
    cloud.kill("c1")
    clock.now += 55
    assert cloud.is_up("c1")
    clock.now += 1
    assert not cloud.is_up("c1")
    assert cloud.is_up("c2")


def test_frozen_service_goes_down_and_comes_back(cloud, clock):
    cloud.freeze("c1")
    clock.now += 61
    assert not cloud.is_up("c1")
    cloud.thaw("c1")
    assert cloud.is_up("c1")


def test_nova_compute_stops_and_the_guests_run_on(cloud, clock):
    server = cloud.create_server("s", "c1")
    cloud.stop_compute("c1")
    clock.now += 61
    assert not cloud.is_up("c1")
    assert cloud.hosts["c1"].guests == {server.uuid}
    cloud.freeze("c1")
    cloud.thaw("c1")
    assert not cloud.is_up("c1")
    cloud.start_compute("c1")
    assert cloud.is_up("c1")


def test_a_rebuild_ends_with_the_nova_compute_that_did_it(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid, target="c2")
    clock.now += 1
    cloud.stop_compute("c2")
    cloud.start_compute("c2")
    clock.run(cloud)
    assert (server.host, server.task_state) == ("c1", "rebuild_spawning")


def test_evacuation_is_refused_while_source_is_up(cloud, clock):
    server = cloud.create_server("s", "c1")
    cloud.kill("c1")
    assert refusal(cloud.compute.evacuate, server.uuid) == 400
    clock.now += 71
    cloud.compute.evacuate(server.uuid)
    assert server.task_state == "rebuilding"


def test_forced_down_service_can_be_evacuated_at_once(cloud):
    server = cloud.create_server("s", "c1")
    cloud.kill("c1")
    cloud.compute.force_down(cloud.hosts["c1"].service_id, True)
    cloud.compute.evacuate(server.uuid)
    assert [m.status for m in cloud.migrations] == ["accepted"]


@pytest.mark.parametrize(
    ("before", "stopped", "after", "power"),
    [
        ("active", False, "active", records.RUNNING),
        ("stopped", False, "stopped", records.SHUTDOWN),
        ("error", False, "active", records.RUNNING),
        ("active", True, "stopped", records.SHUTDOWN),
        ("stopped", True, "stopped", records.SHUTDOWN),
        ("error", True, "active", records.RUNNING),
    ],
)
def test_state_after_evacuation(cloud, clock, before, stopped, after, power):
    server = cloud.create_server("s", "c1", vm_state=before, locked=True)
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid, stopped=stopped)
    clock.run(cloud)
    assert (server.vm_state, server.power_state) == (after, power)
    assert (server.host, server.task_state) == ("c2", None)
    assert server.locked
    assert [m.status for m in cloud.migrations] == ["done"]


@pytest.mark.parametrize(
    "state", ["building", "paused", "rescued", "resized", "suspended"]
)
def test_other_states_cannot_be_evacuated(cloud, clock, state):
    server = cloud.create_server("s", "c1", vm_state=state)
    lose(cloud, clock, "c1")
    assert refusal(cloud.compute.evacuate, server.uuid) == 409
    cloud.compute.reset_state(server.uuid, "error")
    cloud.compute.evacuate(server.uuid)


def test_older_nova_refuses_a_busy_server(clock):
    cloud = Cloud(clock, evacuates_busy=False)
    for name in ("c1", "c2"):
        cloud.add_host(name)
    server = cloud.create_server("s", "c1", task_state="powering-off")
    lose(cloud, clock, "c1")
    assert refusal(cloud.compute.evacuate, server.uuid) == 409
    cloud.compute.reset_state(server.uuid, "active")
    cloud.compute.evacuate(server.uuid)
    assert refusal(cloud.compute.evacuate, server.uuid) == 409


def test_nova_evacuates_a_busy_server(cloud, clock):
    server = cloud.create_server("s", "c1", task_state="powering-off")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid)
    clock.run(cloud)
    assert (server.vm_state, server.task_state) == ("active", None)
    assert server.host != "c1"


def test_evacuating_twice_at_once_breaks_the_server(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid)
    clock.now += 1
    cloud.compute.evacuate(server.uuid)
    clock.run(cloud)
    assert server.vm_state == "error"
    assert sorted(m.status for m in cloud.migrations) == ["done", "failed"]


def test_server_runs_before_its_host_changes(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid)
    seen = []
    while (moment := cloud.next_event_at()) is not None:
        clock.now = moment
        cloud.advance_to(moment)
        migration = cloud.migrations[0]
        seen.append((server.task_state, server.host, migration.status))
    assert seen == [
        ("rebuild_spawning", "c1", "pre-migrating"),
        (None, "c1", "pre-migrating"),
        (None, "c2", "done"),
    ]


def test_destination_works_on_a_few_at_a_time(cloud, clock):
    servers = [cloud.create_server(f"s{n}", "c1") for n in range(8)]
    lose(cloud, clock, "c1")
    for server in servers:
        cloud.compute.evacuate(server.uuid, target="c2")
    clock.now += 1
    taken = [(m.status, m.dest_host) for m in cloud.migrations]
    assert taken == [("pre-migrating", "c2")] * 8
    started = clock.now
    clock.run(cloud)
    assert {s.host for s in servers} == {"c2"}
    assert 5 < clock.now - started < 7


def test_scheduler_takes_the_host_with_most_room(cloud, clock):
    cloud.create_server("there", "c2")
    servers = [cloud.create_server(f"s{n}", "c1") for n in range(3)]
    lose(cloud, clock, "c1")
    for server in servers:
        cloud.compute.evacuate(server.uuid)
        clock.now += 0.2
    clock.run(cloud)
    assert [s.host for s in servers] == ["c3", "c2", "c3"]


@pytest.mark.parametrize("target", [None, "c2"])
def test_no_valid_host(cloud, clock, target):
    server = cloud.create_server("s", "c1")
    for name in ("c2", "c3"):
        cloud.compute.disable_service(cloud.hosts[name].service_id, "full")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid, target=target)
    clock.run(cloud)
    assert cloud.migrations[0].status == "error"
    assert (server.vm_state, server.host) == ("error", "c1")
    assert "No valid host" in server.fault


def test_full_hosts_are_no_valid_hosts(cloud, clock):
    for name in ("c2", "c3"):
        for n in range(9):
            cloud.create_server(f"{name}-{n}", name)
    servers = [cloud.create_server(f"s{n}", "c1") for n in range(3)]
    lose(cloud, clock, "c1")
    for server in servers:
        cloud.compute.evacuate(server.uuid)
    clock.run(cloud)
    assert sorted(s.vm_state for s in servers) == ["active", "active", "error"]


def test_target_is_checked(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    evacuate = cloud.compute.evacuate
    assert refusal(evacuate, server.uuid, target="c9") == 404
    assert refusal(evacuate, server.uuid, target="c1") == 400


def test_reset_during_rebuild_breaks_it(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid)
    clock.now += 1
    cloud.compute.reset_state(server.uuid, "active")
    clock.run(cloud)
    assert cloud.migrations[0].status == "failed"
    assert (server.vm_state, server.host) == ("error", "c1")


def test_forced_down_stays_until_the_host_comes_back(cloud, clock):
    server = cloud.create_server("s", "c1")
    service = cloud.hosts["c1"].service_id
    cloud.kill("c1")
    cloud.compute.force_down(service, True)
    cloud.compute.evacuate(server.uuid)
    clock.run(cloud)
    assert refusal(cloud.compute.force_down, service, False) == 400
    assert server.uuid in cloud.hosts["c1"].guests
    cloud.revive("c1")
    assert server.uuid not in cloud.hosts["c1"].guests
    assert cloud.migrations[0].status == "completed"
    assert not cloud.is_up("c1")
    cloud.compute.force_down(service, False)
    assert cloud.is_up("c1")


def test_killed_host_leaves_its_servers_as_they_were(cloud, clock):
    server = cloud.create_server("s", "c1")
    cloud.kill("c1")
    clock.run(cloud)
    assert (server.vm_state, server.host) == ("active", "c1")


def test_rebuild_on_a_host_that_dies_never_ends(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid, target="c2")
    clock.now += 1
    cloud.advance_to(clock.now)
    cloud.kill("c2")
    clock.run(cloud)
    assert cloud.migrations[0].status == "pre-migrating"
    assert server.task_state == "rebuild_spawning"


def test_frozen_destination_goes_on_after_thaw(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid, target="c2")
    clock.now += 1
    cloud.freeze("c2")
    clock.run(cloud, 30)
    assert server.host == "c1"
    cloud.thaw("c2")
    clock.run(cloud)
    assert server.host == "c2"


def test_stop_and_start_take_time_and_check_states(cloud, clock):
    server = cloud.create_server("s", "c1")
    assert refusal(cloud.compute.start, server.uuid) == 409
    cloud.compute.stop(server.uuid)
    assert server.task_state == "powering-off"
    assert refusal(cloud.compute.stop, server.uuid) == 409
    clock.run(cloud)
    assert (server.vm_state, server.power_state) == ("stopped", 4)
    cloud.compute.start(server.uuid)
    clock.run(cloud)
    assert (server.vm_state, server.power_state) == ("active", 1)


def test_stop_on_a_dead_host_waits_for_it(cloud, clock):
    server = cloud.create_server("s", "c1")
    cloud.kill("c1")
    cloud.compute.stop(server.uuid)
    clock.run(cloud)
    assert server.task_state == "powering-off"
    cloud.revive("c1")
    clock.run(cloud)
    assert server.vm_state == "stopped"


def test_disabling_a_dead_host_that_counts_as_up_takes_long(cloud, clock):
    service = cloud.hosts["c1"].service_id
    cloud.kill("c1")
    assert cloud.compute.disable_service(service, "dead").delay == 60
    assert not cloud.hosts["c1"].enabled
    cloud.compute.enable_service(service)
    clock.now += 71
    assert cloud.compute.disable_service(service, "dead").delay == 0


def test_disabling_a_living_host_is_quick(cloud):
    service = cloud.hosts["c1"].service_id
    assert cloud.compute.disable_service(service, "why").delay == 0
    assert cloud.hosts["c1"].disabled_reason == "why"


def test_deleted_server_ends_its_evacuation(cloud, clock):
    server = cloud.create_server("s", "c1")
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(server.uuid)
    cloud.delete_server(server.uuid)
    clock.run(cloud)
    assert cloud.migrations[0].status == "failed"
    assert refusal(cloud.compute.server, server.uuid) == 404


def test_built_server_becomes_active_where_it_was_scheduled(cloud, clock):
    server = cloud.build_server("s", "c3")
    assert server.vm_state == "building"
    clock.run(cloud)
    assert (server.vm_state, server.host) == ("active", "c3")


def test_migrations_changed_since(cloud, clock):
    servers = [cloud.create_server(f"s{n}", "c1") for n in range(2)]
    lose(cloud, clock, "c1")
    cloud.compute.evacuate(servers[0].uuid)
    clock.run(cloud)
    clock.now += 100
    since = clock.now
    cloud.compute.evacuate(servers[1].uuid)
    assert cloud.compute.evacuations("c1", since).value == []
    clock.run(cloud)
    changed = cloud.compute.evacuations("c1", since).value
    assert [m.instance_uuid for m in changed] == [servers[1].uuid]
    assert len(cloud.compute.evacuations("c1").value) == 2
    assert cloud.compute.evacuations("c2").value == []


def test_same_seed_gives_same_cloud(clock):
    def uuids(seed: int) -> list[str]:
        cloud = Cloud(clock, seed=seed)
        cloud.add_host("c1")
        return [cloud.create_server("s", "c1").uuid for _ in range(3)]

    assert uuids(1) == uuids(1)
    assert not set(uuids(1)) & set(uuids(2))


def test_calls_are_counted_and_shown_before_and_after(cloud):
    server = cloud.create_server("s", "c1")
    seen = []
    cloud.on_call = lambda when, call: seen.append((when, call.verb))
    refusal(cloud.compute.start, server.uuid)
    cloud.compute.server(server.uuid)
    assert seen == [
        ("before", "start"),
        ("sent", "start"),
        ("after", "start"),
        ("before", "server"),
        ("after", "server"),
    ]
    assert cloud.counts == {"start": 1, "server": 1}
    assert [c.subject for c in cloud.calls] == [server.uuid] * 2


class Killed(BaseException):
    pass


def test_hook_that_raises_before_a_call_prevents_it(cloud):
    server = cloud.create_server("s", "c1")

    def kill(when: gate.When, call: gate.Call) -> None:
        if when == "before" and call.verb == "stop":
            raise Killed

    cloud.on_call = kill
    with pytest.raises(Killed):
        cloud.compute.stop(server.uuid)
    assert server.task_state is None
    assert cloud.counts["stop"] == 0
