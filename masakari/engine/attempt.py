# SPDX-License-Identifier: Apache-2.0
"""The one story: what becomes of a claimed notification.

Look whether it calls for a recovery, run the workflow for it, judge what
came of it, write the verdict and release the claim. Whatever is raised on
the way ends in a verdict too.
"""

import logging
from collections.abc import Callable, Mapping

from masakari import context, exception
from masakari.domain import triage, verdict
from masakari.domain.model import (
    NotificationStatus,
    NotificationType,
    Unreadable,
)
from masakari.domain.verdict import Verdict
from masakari.engine import (
    host_failure,
    instance_failure,
    planning,
    process_failure,
    reserves,
)
from masakari.engine.flows import Flows
from masakari.engine.lease import Lease
from masakari.engine.recovery import Recovery
from masakari.engine.world import World
from masakari.nova import port

LOG = logging.getLogger(__name__)

#: So many engines may die while they work on a notification. It may be what
#: kills them, and then it would kill all there are, again and again.
MOST_TAKEOVERS = 10

#: How loud the end of an attempt is told; of all others at INFO.
_SEVERITY = {
    NotificationStatus.FAILED: logging.ERROR,
    NotificationStatus.ERROR: logging.WARNING,
}


def recover(world: World, flows: Flows, lease: Lease) -> None:
    """Carry a claimed notification to its end, or hand it over."""
    claim = lease.claim
    # What this thread logs bears the id of the request that reported it.
    context.admin(claim.request_id).update_store()
    try:
        _carry_out(Recovery(world, lease), flows)
    except (exception.ClaimLost, exception.ServiceUnavailable) as error:
        # The row stays as it is: whoever claims it next goes on from there.
        LOG.warning(
            "Stopped working on notification %s: %s",
            claim.notification.uuid,
            error,
        )
    except Exception:
        LOG.exception(
            "Notification %s is left to whoever claims it next",
            claim.notification.uuid,
        )


def _begin(recovery: Recovery) -> None:
    """Say that the work has begun, loudly unless it was put back since."""
    notification, lease = recovery.notification, recovery.lease
    severity = logging.DEBUG
    if lease.claim.waiting_for is None:
        severity = logging.INFO
        recovery.journal.begin()
    elif notification.message is not None:
        recovery.journal.go_on()
    LOG.log(
        severity,
        "Working on notification %s (%s, attempt %d) of host %s (%s)",
        notification.uuid,
        notification.type,
        lease.claim.attempt,
        _host_name(recovery),
        notification.source_host_uuid,
    )
    if lease.taken_from is not None:
        LOG.warning(
            "Notification %s is taken over from engine %s, whose lease has "
            "run out",
            notification.uuid,
            lease.taken_from,
        )


def _host_name(recovery: Recovery) -> str:
    try:
        return recovery.host.name
    except exception.HostNotFound:
        return "that is not registered any more"


def _carry_out(recovery: Recovery, flows: Flows) -> None:
    uuid, attempt = recovery.notification.uuid, recovery.lease.claim.attempt
    try:
        result = verdict.after_attempt(
            _attempt(recovery, flows), attempt, last=recovery.expired
        )
        _give_back(recovery)
    except exception.RecoveryInterrupted:
        recovery.journal.hand_back()
        LOG.info("Notification %s is handed over", uuid)
        return
    except exception.RecoveryWaits as wait:
        _put_back(recovery, wait)
        return
    recovery.journal.finish(
        result, retry_in=recovery.world.settings.retry_interval
    )
    LOG.log(
        _SEVERITY.get(result.status, logging.INFO),
        "Notification %s is %s (engine %s): %s",
        uuid,
        result.status,
        recovery.lease.owner,
        result.message or "all is done",
    )


def _put_back(recovery: Recovery, wait: exception.RecoveryWaits) -> None:
    tells = recovery.journal.put_back(wait)
    LOG.log(
        logging.INFO if tells else logging.DEBUG,
        "Notification %s waits (attempt %d goes on as soon as it can): %s",
        recovery.notification.uuid,
        recovery.lease.claim.attempt,
        wait,
    )


def _give_back(recovery: Recovery) -> None:
    """The result counts, whatever becomes of what is given back."""
    try:
        reserves.give_back_unused(recovery)
    except (exception.RecoveryAbandoned, exception.ServiceUnavailable):
        raise
    except Exception:
        LOG.exception(
            "Notification %s: reserved hosts could not be given back",
            recovery.notification.uuid,
        )


def _attempt(recovery: Recovery, flows: Flows) -> Verdict:
    """Recover; what fails becomes a verdict.

    :raises RecoveryAbandoned, ServiceUnavailable: the verdict is not ours
    :raises RecoveryWaits: there can be none yet
    """
    uuid = recovery.notification.uuid
    try:
        return _once_nova_answers(recovery, flows)
    except (
        exception.SkipHostRecoveryException,
        exception.SkipInstanceRecoveryException,
        exception.SkipProcessRecoveryException,
    ) as reason:
        return verdict.finished(str(reason))
    except exception.IgnoreInstanceRecoveryException as reason:
        return verdict.ignored(str(reason), alarming=reason.alarming)
    except (exception.RecoveryAbandoned, exception.RecoveryWaits):
        raise
    except port.ComputeError as error:
        return verdict.error(f"Nova could not do what it was asked: {error}")
    except exception.ServiceUnavailable:
        raise
    except exception.MasakariException as error:
        LOG.warning("Recovering notification %s failed: %s", uuid, error)
        return verdict.error(str(error))
    except Exception as error:
        LOG.exception("Recovering notification %s failed unexpectedly", uuid)
        return verdict.error(
            f"Unexpected {type(error).__name__} in the engine; its log has "
            f"the details [{recovery.lease.claim.request_id}]."
        )


def _once_nova_answers(recovery: Recovery, flows: Flows) -> Verdict:
    """What could not be asked is no attempt.

    :raises RecoveryWaits: Nova does not answer, or not this engine
    """
    try:
        if recovery.lease.claim.waiting_for is not None:
            _look(recovery)
        _begin(recovery)
        return _dispatch(recovery, flows)
    except port.Denied as error:
        text = f"Nova does not let Masakari in: {error}"
        reason: port.ComputeError = error
    except port.Unavailable as error:
        text = f"Nova cannot be asked: {error}"
        reason = error
    recovery.world.access.failed(reason)
    raise exception.RecoveryWaits(text, reason="nova") from reason


def _look(recovery: Recovery) -> None:
    """Whether one that was put back can go on, by one question.

    :raises RecoveryWaits: it cannot
    :raises port.ComputeError: Nova cannot be asked
    """
    if recovery.expired:
        return
    services = recovery.compute.compute_services()
    if recovery.notification.type is not NotificationType.COMPUTE_HOST:
        return
    name = recovery.host.name
    if not any(service.up and service.host == name for service in services):
        planning.require_destination(recovery, services)


def _dispatch(recovery: Recovery, flows: Flows) -> Verdict:
    claim = recovery.lease.claim
    if recovery.expired:
        waited = ""
        if claim.waiting_for and claim.notification.message:
            waited = f" {claim.notification.message}"
        return verdict.failed(
            f"The notification expired before it could be recovered.{waited}"
        )
    if claim.takeovers >= MOST_TAKEOVERS:
        return verdict.failed(
            f"{claim.takeovers} engines have died while they worked on it."
        )
    if isinstance(recovery.notification.payload, Unreadable):
        return verdict.failed("The payload cannot be read.")
    try:
        segment = recovery.host.segment
    except exception.HostNotFound:
        return verdict.failed("The host is not registered any more.")
    disabled = triage.judge_segment(segment)
    if disabled is not None and not process_failure.is_undone(recovery):
        return disabled
    return _RECOVERIES[recovery.notification.type](recovery, flows)


_RECOVERIES: Mapping[
    NotificationType, Callable[[Recovery, Flows], Verdict]
] = {
    NotificationType.COMPUTE_HOST: host_failure.recover,
    NotificationType.VM: instance_failure.recover,
    NotificationType.PROCESS: process_failure.recover,
}
