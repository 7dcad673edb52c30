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

    :raises MasakariException: it could not be restarted
    """
    at_once = triage.judge_instance_failure(recovery.notification)
    if at_once is not None:
        return at_once
    recovery.check()
    uuid = recovery.notification.payload["instance_uuid"]
    try:
        server = recovery.persistently(recovery.compute.server, uuid)
    except port.NotFound as error:
        raise exception.InstanceRecoveryFailureException(
            f"Nova knows no instance {uuid}."
        ) from error
    at_once = planner.judge(
        server,
        recovery.world.settings,
        recovery.journal.evacuated_from(recovery.host, server.uuid),
    )
    if at_once is not None:
        return at_once
    flows.run_instance(recovery, server.uuid)
    return finished()
