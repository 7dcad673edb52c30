# SPDX-License-Identifier: Apache-2.0
"""What is to be evacuated: asked of Nova, decided, and put on record."""

from collections.abc import Mapping

from masakari.domain.planner import host as planner
from masakari.domain.server import Server, VMState
from masakari.engine.recovery import Recovery


def plan_moves(recovery: Recovery) -> planner.HostPlan:
    """Plan for what Nova shows now, and record what is new in it.

    What failed in an earlier attempt is part of this one, whether or not
    Nova still shows it on the failed host.
    """
    servers = recovery.persistently(
        recovery.compute.servers_on, recovery.host.name
    )
    latest = recovery.journal.latest_moves()
    origins = {
        planned.move.instance_uuid: planned.move.origin for planned in latest
    }
    origins = _origins_known(recovery, servers, origins) | origins
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


def _origins_known(
    recovery: Recovery,
    servers: list[Server],
    known: Mapping[str, planner.Origin],
) -> dict[str, planner.Origin]:
    """What those were that Nova does not show as they have been.

    An earlier recovery of this host has left them in error, or that of
    another one was still at them when they came here.
    """
    new = [server for server in servers if server.uuid not in known]
    broken = [s.uuid for s in new if s.vm_state == VMState.ERROR]
    journal = recovery.journal
    origins = {}
    if broken:
        origins = journal.left_behind(recovery.host.name, broken)
    if new:
        origins |= journal.under_way([server.uuid for server in new])
    return origins
