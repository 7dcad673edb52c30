# SPDX-License-Identifier: Apache-2.0
"""An operator has an engine try again what it has given up."""

from masakari.db import hosts
from masakari.domain.model import Notification, NotificationStatus, VMoveStatus
from tests.simulation.harness import Simulation

FINISHED = NotificationStatus.FINISHED
FAILED = NotificationStatus.FAILED
SUCCEEDED = VMoveStatus.SUCCEEDED


def retry(simulation: Simulation, notification: Notification) -> Notification:
    """What becomes of it."""
    simulation.retry(notification)
    return simulation.recover(notification)


def without_room(simulation: Simulation) -> tuple[Notification, str, str]:
    """One that has failed, its instance, and what was in its way."""
    failed, other = simulation.hosts(2, slots=1)
    (uuid,) = simulation.servers(failed, 1)
    (filling,) = simulation.servers(other, 1)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    assert simulation.cloud.servers[uuid].vm_state == "error"
    return notification, uuid, filling


def test_the_instance_becomes_what_it_was_before_the_failure(
    simulation: Simulation,
) -> None:
    notification, uuid, filling = without_room(simulation)
    simulation.cloud.delete_server(filling)
    assert retry(simulation, notification).status is FINISHED
    server = simulation.cloud.servers[uuid]
    assert (server.vm_state, server.power_state) == ("active", 1)
    *before, last = simulation.vmoves(notification)
    assert {move.status for move in before} == {VMoveStatus.FAILED}
    assert last.status is SUCCEEDED


def test_it_may_fail_once_more_and_be_tried_once_more(
    simulation: Simulation,
) -> None:
    notification, uuid, filling = without_room(simulation)
    attempts = len(simulation.vmoves(notification))
    again = retry(simulation, notification)
    assert again.status is FAILED
    assert "1 of 1 instances were not recovered" in str(again.message)
    assert len(simulation.vmoves(notification)) == attempts + 1
    simulation.cloud.delete_server(filling)
    assert retry(simulation, notification).status is FINISHED
    assert simulation.cloud.servers[uuid].vm_state == "active"


def test_what_was_evacuated_by_hand_meanwhile_is_no_failure(
    simulation: Simulation,
) -> None:
    notification, uuid, filling = without_room(simulation)
    simulation.cloud.delete_server(filling)
    with simulation.somebody_else():
        simulation.cloud.compute.evacuate(uuid)
        simulation.clock.pass_time(60)
    assert simulation.cloud.servers[uuid].host == "compute-1"
    moved = len(simulation.cloud.migrations)
    assert retry(simulation, notification).status is FINISHED
    assert len(simulation.cloud.migrations) == moved


def test_a_host_that_was_reserved_meanwhile_is_used(
    simulation: Simulation,
) -> None:
    failed, other = simulation.hosts(2, method="reserved_host")
    (uuid,) = simulation.servers(failed, 1)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    simulation.database.write(hosts.update, other.uuid, reserved=True)
    assert retry(simulation, notification).status is FINISHED
    assert simulation.cloud.servers[uuid].host == other.name
    assert not simulation.host_now(other).reserved


def test_another_engine_goes_on_with_it_when_one_dies(
    simulation: Simulation,
) -> None:
    failed, other = simulation.hosts(2, slots=3)
    uuids = simulation.servers(failed, 3)
    filling = simulation.servers(other, 3)
    notification = simulation.recover(simulation.fail(failed))
    assert notification.status is FAILED
    for uuid in filling:
        simulation.cloud.delete_server(uuid)
    simulation.retry(notification)
    asked = simulation.cloud.counts["evacuate"]
    simulation.steps.kill_at = ("after", "evacuate", asked + 2)
    simulation.run(simulation.engine("one"), seconds=10)
    assert simulation.unfinished()
    simulation.run(simulation.engine("two"))
    assert simulation.now(notification).status is FINISHED
    assert {simulation.cloud.servers[uuid].host for uuid in uuids} == {
        other.name
    }
    assert {move.status for move in simulation.vmoves(notification)[-3:]} == {
        SUCCEEDED
    }
