# SPDX-License-Identifier: Apache-2.0
"""The recovery of an instance: it is stopped and started where it is."""

from masakari import exception
from masakari.domain import triage
from masakari.domain.planner import instance as planner
from masakari.domain.verdict import Verdict, finished
from masakari.engine.flows import Flows
from masakari.engine.recovery import Recovery
from masakari.nova import port


def recover(recovery: Recovery, flows: Flows) -> Verdict:
    """Recover from the failure of an instance.

    :raises InstanceGone: Nova does not know it
    :raises MasakariException: it could not be restarted
    :raises RecoveryWaits: nova-compute, which would do it, has stopped
    """
    at_once = triage.judge_instance_failure(recovery.notification)
    if at_once is not None:
        return at_once
    recovery.check()
    uuid = recovery.notification.payload["instance_uuid"]
    try:
        server = recovery.persistently(recovery.compute.server, uuid)
    except port.NotFound as error:
        raise exception.InstanceGone(uuid=uuid) from error
    at_once = planner.judge(
        server,
        recovery.world.settings,
        recovery.journal.evacuated_from(recovery.host, server.uuid),
    )
    if at_once is not None:
        return at_once
    _require_nova_compute(recovery)
    flows.run_instance(recovery, server.uuid)
    return finished()


def _require_nova_compute(recovery: Recovery) -> None:
    """Where nova-compute is known to be down, Nova is asked for nothing.

    It would only leave the instance half stopped.
    """
    name = recovery.host.name
    if recovery.journal.outage(recovery.host) is None:
        return
    service = recovery.persistently(recovery.compute.compute_service, name)
    if not service.up:
        raise exception.RecoveryWaits(
            f"nova-compute has stopped on host {name}: the instance is "
            "restarted when Nova counts its compute service as up.",
            reason="compute",
        )
