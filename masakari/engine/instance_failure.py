# SPDX-License-Identifier: Apache-2.0
"""The recovery of an instance: it is stopped and started where it is."""

from typing import TYPE_CHECKING

from masakari import exception
from masakari.domain import dispatch
from masakari.domain.planner import instance as planner
from masakari.domain.verdict import Verdict, finished
from masakari.engine.calls import persistently
from masakari.nova import port

if TYPE_CHECKING:
    from masakari.engine.recovery import Recovery


def recover(recovery: "Recovery") -> Verdict:
    """Recover from the failure of an instance.

    :raises MasakariException: it could not be restarted
    """
    at_once = dispatch.instance_failure(recovery.notification)
    if at_once is not None:
        return at_once
    recovery.check()
    uuid = recovery.notification.payload["instance_uuid"]
    try:
        server = persistently(recovery, recovery.compute.server, uuid)
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
    recovery.world.flows.run_instance(recovery, server.uuid)
    return finished()
