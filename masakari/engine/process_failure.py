# SPDX-License-Identifier: Apache-2.0
"""The recovery of a process: its host gets no new instances without it.

When the process has started again, what was done is undone, as far as
nobody else has done it too.
"""

import logging

from masakari import exception
from masakari.domain import triage
from masakari.domain.model import NotificationType, ProcessOutage
from masakari.domain.triage import ProcessAction
from masakari.domain.verdict import Verdict, finished
from masakari.engine.flows import Flows
from masakari.engine.recovery import Recovery
from masakari.nova import port

LOG = logging.getLogger(__name__)


def recover(recovery: Recovery, flows: Flows) -> Verdict:
    """Recover from the failure of a process, or from its recovery.

    :raises MasakariException: the compute service could not be switched
    """
    action = _judge(recovery)
    if isinstance(action, Verdict):
        return action
    recovery.check()
    outage = recovery.journal.outage(recovery.host)
    if action is ProcessAction.BRING_BACK and outage is not None:
        return _bring_back(recovery, outage)
    return _take_out(recovery, flows)


def is_undone(recovery: Recovery) -> bool:
    """Whether what was done earlier is to be undone, which is always right."""
    return (
        recovery.notification.type is NotificationType.PROCESS
        and _judge(recovery) is ProcessAction.BRING_BACK
    )


def _judge(recovery: Recovery) -> ProcessAction | Verdict:
    return triage.judge_process_failure(
        recovery.notification,
        host=recovery.host,
        outage=recovery.journal.outage(recovery.host),
        others=recovery.journal.later_reports(),
    )


def _take_out(recovery: Recovery, flows: Flows) -> Verdict:
    process = recovery.notification.payload["process_name"]
    recovery.journal.begin_outage(
        recovery.host,
        ProcessOutage(
            process_name=triage.process(recovery.notification.payload),
            disabled_reason=recovery.world.settings.process_disable_reason,
        ),
    )
    flows.run_process(recovery, process)
    return finished()


def _bring_back(recovery: Recovery, outage: ProcessOutage) -> Verdict:
    name = recovery.host.name
    find = recovery.compute.compute_service
    try:
        service = recovery.persistently(find, name)
        if triage.disabled_for(outage, service):
            recovery.persistently(recovery.compute.enable_service, service.id)
            service = recovery.persistently(find, name)
        if triage.disabled_for(outage, service):
            raise exception.ProcessRecoveryFailureException(
                f"The compute service on host {name} stays disabled."
            )
    except port.NotFound:
        LOG.warning("Nova knows no compute service on host %s", name)
    recovery.journal.end_outage(recovery.host)
    return finished(f"Process {outage.process_name} started on host {name}.")
