# SPDX-License-Identifier: Apache-2.0
"""The compute port when a host is dead."""

import dataclasses
import datetime
import functools

import pytest

from masakari.nova import port
from tests.contract.clouds import HOSTS, until

DEAD, *OTHERS = HOSTS

NAMES = (
    "running",
    "stopped",
    "in-error",
    "locked",
    "to-stop",
    "stopped-to-stop",
    "in-error-to-stop",
    "targeted",
    "unlucky",
    "late",
)


@dataclasses.dataclass
class Scene:
    """A dead host and what was on it, by name."""

    servers: dict[str, str]
    since: datetime.datetime
    dead: bool = True


def settled(cloud, uuid, vm_state):
    def check():
        seen = cloud.compute.server(uuid)
        return (seen.vm_state, seen.task_state) == (vm_state, None) and seen

    return until(check, cloud)


def prepare(cloud):
    made = {
        name: cloud.create_server(name, DEAD, {"role": name}) for name in NAMES
    }
    for uuid in made.values():
        settled(cloud, uuid, "active")
    for name in ("stopped", "stopped-to-stop"):
        cloud.compute.stop(made[name])
    for name in ("stopped", "stopped-to-stop"):
        settled(cloud, made[name], "stopped")
    for name in ("in-error", "in-error-to-stop"):
        cloud.compute.reset_state(made[name], "error")
    cloud.compute.lock(made["locked"])
    return made


@pytest.fixture(scope="module")
def scene(cloud):
    made = prepare(cloud)
    since = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    cloud.kill(DEAD)
    until(lambda: not cloud.compute.compute_service(DEAD).up, cloud)
    made_scene = Scene(made, since)
    yield made_scene
    if made_scene.dead:
        cloud.revive(DEAD)
    for uuid in made.values():
        cloud.delete_server(uuid)


def migration_of(cloud, uuid):
    found = cloud.compute.evacuations(DEAD)
    return next((m for m in found if m.instance_uuid == uuid), None)


def evacuated(cloud, uuid, vm_state, **how):
    """Evacuate a server and wait until Nova has done with it."""
    cloud.compute.evacuate(uuid, **how)
    until(lambda: migration_of(cloud, uuid).succeeded, cloud)
    seen = settled(cloud, uuid, vm_state)
    assert seen.host in OTHERS
    assert migration_of(cloud, uuid).dest_host == seen.host
    return seen


def test_servers_stay_as_they_were(cloud, scene):
    uuid = scene.servers["late"]
    seen = cloud.compute.server(uuid)
    assert (seen.vm_state, seen.host) == ("active", DEAD)
    assert uuid in {s.uuid for s in cloud.compute.servers_on(DEAD)}


def test_dead_service_is_disabled_quickly_when_it_counts_as_down(cloud, scene):
    service = cloud.compute.compute_service(DEAD)
    cloud.compute.disable_service(service.id, "dead")
    assert not cloud.compute.compute_service(DEAD).enabled


@pytest.mark.parametrize(
    ("name", "stopped", "after", "power"),
    [
        ("running", False, "active", 1),
        ("stopped", False, "stopped", 4),
        ("in-error", False, "active", 1),
        ("to-stop", True, "stopped", 4),
        ("stopped-to-stop", True, "stopped", 4),
        ("in-error-to-stop", True, "active", 1),
    ],
)
def test_state_after_evacuation(cloud, scene, name, stopped, after, power):
    uuid = scene.servers[name]
    seen = evacuated(cloud, uuid, after, stopped=stopped)
    assert seen.power_state == power
    assert seen.metadata == {"role": name}


def test_locked_server_is_evacuated_and_stays_locked(cloud, scene):
    assert evacuated(cloud, scene.servers["locked"], "active").locked


def test_target_is_kept_to(cloud, scene):
    uuid = scene.servers["targeted"]
    seen = evacuated(cloud, uuid, "active", target=OTHERS[1])
    assert seen.host == OTHERS[1]


def test_unfit_targets(cloud, scene):
    uuid = scene.servers["late"]
    with pytest.raises(port.NotFound):
        cloud.compute.evacuate(uuid, target="nowhere")
    with pytest.raises(port.Refused) as caught:
        cloud.compute.evacuate(uuid, target=DEAD)
    assert caught.value.code == 400


def test_no_valid_host(cloud, scene):
    compute = cloud.compute
    uuid = scene.servers["unlucky"]
    services = [compute.compute_service(host) for host in OTHERS]
    for service in services:
        compute.disable_service(service.id, "full")
    compute.evacuate(uuid)
    until(lambda: migration_of(cloud, uuid).failed, cloud)
    seen = until(
        lambda: compute.server(uuid).fault and compute.server(uuid), cloud
    )
    assert (seen.vm_state, seen.host) == ("error", DEAD)
    assert "No valid host" in seen.fault
    for service in services:
        compute.enable_service(service.id)


def test_records_of_evacuations(cloud, scene):
    compute = cloud.compute
    done = evacuated(cloud, scene.servers["late"], "active")
    records = compute.evacuations(DEAD)
    assert [r.id for r in records] == sorted(r.id for r in records)
    assert all(r.source_host == DEAD for r in records)
    mine = migration_of(cloud, done.uuid)
    assert mine.status == "done"
    assert mine.created_at <= mine.updated_at
    since = functools.partial(compute.evacuations, DEAD)
    assert mine in since(scene.since)
    assert mine in since(mine.updated_at)
    later = mine.updated_at + datetime.timedelta(seconds=5)
    assert mine not in since(later)
    assert compute.evacuations(OTHERS[0]) == []


def test_host_comes_back(cloud, scene):
    """Last: it ends the scene. What the others have left there moves first."""
    compute = cloud.compute
    for name, uuid in scene.servers.items():
        if name != "unlucky" and compute.server(uuid).host == DEAD:
            compute.evacuate(uuid)
            until(lambda uuid=uuid: compute.server(uuid).host != DEAD, cloud)
    service = compute.compute_service(DEAD)
    compute.force_down(service.id, True)
    with pytest.raises(port.Refused) as caught:
        compute.force_down(service.id, False)
    assert caught.value.code == 400
    cloud.revive(DEAD)
    scene.dead = False
    done = [m for m in compute.evacuations(DEAD) if not m.failed]
    assert done

    def completed():
        return {
            m.status for m in compute.evacuations(DEAD) if not m.failed
        } == {"completed"}

    until(completed, cloud)
    compute.force_down(service.id, False)
    compute.enable_service(service.id)
    until(lambda: compute.compute_service(DEAD).up, cloud)
    assert [s.name for s in compute.servers_on(DEAD)] == ["unlucky"]
