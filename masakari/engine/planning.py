# SPDX-License-Identifier: Apache-2.0
"""What is to be evacuated: asked of Nova, decided, and put on record."""

from collections.abc import Iterable, Mapping

from masakari import exception
from masakari.domain.planner import destinations, instance
from masakari.domain.planner import host as planner
from masakari.domain.server import (
    POWERING_OFF,
    ComputeService,
    Server,
    VMState,
)
from masakari.engine.recovery import Recovery


def require_destination(
    recovery: Recovery, services: Iterable[ComputeService]
) -> None:
    """Look whether there is a host that could take instances.

    :param services: all compute services
    :raises RecoveryWaits: there is none
    """
    name, method = recovery.host.name, recovery.host.segment.recovery_method
    services = tuple(services)
    up = {service.host for service in services if service.up}
    reserved: set[str] = set()
    if planner.Destination.RESERVED in planner.DESTINATIONS[method]:
        candidates = recovery.journal.reserve_candidates(recovery.host)
        reserved = {host.name for host in candidates}
    if reserved & up:
        return
    failed = {name} | recovery.journal.failing_hosts()
    if not destinations.exists(services, target=None, failed=failed):
        raise exception.RecoveryWaits(
            "No compute service is up and enabled to which the instances of "
            f"host {name} could be evacuated.",
            reason="destination",
        )


def plan_moves(recovery: Recovery) -> planner.HostPlan:
    """Plan for what Nova shows now, and record what is new in it.

    What failed in an earlier attempt is part of this one, whether or not
    Nova still shows it on the failed host.
    """
    servers, being_stopped = _look(recovery)
    latest = recovery.journal.latest_moves()
    origins = {
        planned.move.instance_uuid: planned.move.origin for planned in latest
    }
    origins = (
        being_stopped | _origins_known(recovery, servers, origins) | origins
    )
    done = {
        planned.move.instance_uuid for planned in latest if planned.succeeded
    }
    plan = planner.plan(
        [server for server in servers if server.uuid not in done],
        settings=recovery.world.settings,
        origins=origins,
        failed=[planned.move for planned in latest if planned.failed],
    )
    recovery.journal.record_plan(recovery.host.name, plan)
    recovery.servers = {server.uuid: server for server in servers}
    return plan


def _look(
    recovery: Recovery,
) -> tuple[list[Server], dict[str, planner.Origin]]:
    """What is on the host, and what of it somebody else has brought away.

    A user may have stopped an instance of the dead host, in vain. In one
    that is looked at after its evacuation has begun, it is not that.
    """
    compute, host = recovery.compute, recovery.host.name
    servers = recovery.persistently(compute.servers_on, host)
    if all(server.task_state != POWERING_OFF for server in servers):
        return servers, {}
    evacuations = recovery.persistently(compute.evacuations, host, None)
    servers = recovery.persistently(compute.servers_on, host)
    return servers, planner.being_stopped(servers, evacuations)


def _origins_known(
    recovery: Recovery,
    servers: list[Server],
    known: Mapping[str, planner.Origin],
) -> dict[str, planner.Origin]:
    """What those were that Nova does not show as they have been.

    An earlier recovery of this host has left them in error, or that of
    another one was still at them when they came here, or they are being
    restarted.
    """
    new = [server for server in servers if server.uuid not in known]
    broken = [s.uuid for s in new if s.vm_state == VMState.ERROR]
    journal = recovery.journal
    origins = _being_restarted(recovery, new)
    if broken:
        origins |= journal.left_behind(recovery.host.name, broken)
    if new:
        origins |= journal.under_way([server.uuid for server in new])
    return origins


def _being_restarted(
    recovery: Recovery, servers: list[Server]
) -> dict[str, planner.Origin]:
    """Those that a recovery of their own has stopped, or is about to."""
    if not servers:
        return {}
    found = recovery.journal.being_restarted([s.uuid for s in servers])
    return {
        server.uuid: planner.Origin(
            vm_state=VMState.ACTIVE,
            task_state=server.task_state,
            power_state=server.power_state,
        )
        for server in servers
        if server.uuid in found
        and instance.judge(server, recovery.world.settings, None) is None
    }
