# SPDX-License-Identifier: Apache-2.0
"""The one story: what becomes of a claimed notification.

Look whether it calls for a recovery, run the workflow for it, judge what
came of it, write the verdict and release the claim. Whatever is raised on
the way ends in a verdict too.
"""

import datetime
import logging

from masakari import context, exception
from masakari.db import hosts
from masakari.domain import dispatch, verdict
from masakari.domain.model import (
    Host,
    Notification,
    NotificationType,
    RecoveryMethod,
)
from masakari.domain.server import Server
from masakari.domain.verdict import Verdict
from masakari.engine.journal import Journal
from masakari.engine.lease import Lease
from masakari.engine.world import World
from masakari.nova import port
from masakari.nova.port import ComputePort

LOG = logging.getLogger(__name__)


class Recovery:
    """One notification in the hands of this engine."""

    def __init__(self, world: World, lease: Lease, host: Host) -> None:
        self.world = world
        self.lease = lease
        self.host = host
        self.journal = Journal(world.database, world.clock, lease)
        self.context = context.admin(lease.claim.request_id)
        self.compute: ComputePort = world.compute.for_request(
            self.context.request_id
        )
        #: What Nova last listed on the failed host, by uuid.
        self.servers: dict[str, Server] = {}

    @property
    def notification(self) -> Notification:
        return self.lease.claim.notification

    def check(self) -> None:
        """Call before every act, and in every wait.

        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the engine has been told to stop
        """
        self.lease.check()
        if self.world.stopping.is_set():
            raise exception.RecoveryInterrupted(uuid=self.notification.uuid)

    @property
    def expired(self) -> bool:
        """By the server's own clock; the sender's may be wrong."""
        return _expired(self.world, self.notification)

    def pause(self, seconds: float) -> None:
        """Wait, but not for longer than the engine runs."""
        self.world.clock.wait(self.world.stopping, seconds)
        self.check()


def recover(world: World, lease: Lease) -> None:
    """Carry a claimed notification to its end, or hand it over."""
    claim = lease.claim
    # What this thread logs bears the id of the request that reported it.
    context.admin(claim.request_id).update_store()
    LOG.info(
        "Working on notification %s (attempt %d) of host %s",
        claim.notification.uuid,
        claim.attempt,
        claim.notification.source_host_uuid,
    )
    try:
        _carry_out(world, lease)
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


def _carry_out(world: World, lease: Lease) -> None:
    uuid = lease.claim.notification.uuid
    journal = Journal(world.database, world.clock, lease)
    try:
        result = _judge(world, lease)
    except exception.RecoveryInterrupted:
        journal.hand_back()
        LOG.info("Notification %s is handed over to another engine", uuid)
        return
    result = verdict.after_attempt(result, lease.claim.attempt)
    journal.finish(result, retry_in=world.settings.retry_interval)
    LOG.info(
        "Notification %s is %s: %s",
        uuid,
        result.status,
        result.message or "all is done",
    )


def _judge(world: World, lease: Lease) -> Verdict:
    try:
        return _recover(world, lease)
    except exception.SkipHostRecoveryException as reason:
        return verdict.finished(str(reason))
    except (exception.RecoveryInterrupted, exception.ClaimLost):
        raise
    except port.ComputeError as error:
        return verdict.error(f"Nova could not do what it was asked: {error}")
    except exception.ServiceUnavailable:
        raise
    except exception.MasakariException as error:
        LOG.warning(
            "Recovering notification %s failed: %s",
            lease.claim.notification.uuid,
            error,
        )
        return verdict.error(str(error))
    except Exception as error:
        LOG.exception(
            "Recovering notification %s failed unexpectedly",
            lease.claim.notification.uuid,
        )
        return verdict.error(
            f"Unexpected {type(error).__name__} in the engine; its log has "
            f"the details [{lease.claim.request_id}]."
        )


def _recover(world: World, lease: Lease) -> Verdict:
    notification = lease.claim.notification
    if _expired(world, notification):
        return verdict.failed(
            "The notification expired before it could be recovered."
        )
    if notification.type is not NotificationType.COMPUTE_HOST:
        return verdict.failed(
            f"This release does not recover from {notification.type} failures."
        )
    try:
        host = world.database.read(hosts.get, notification.source_host_uuid)
    except exception.HostNotFound:
        return verdict.failed("The host is not registered any more.")
    at_once = dispatch.segment(host.segment) or dispatch.host_failure(
        notification
    )
    return at_once or _recover_host(Recovery(world, lease, host))


def _recover_host(recovery: Recovery) -> Verdict:
    host = recovery.host
    method = host.segment.recovery_method
    if method is not RecoveryMethod.AUTO:
        return verdict.failed(
            f"This release does not recover hosts by method {method}."
        )
    if host.reserved or not host.on_maintenance:
        recovery.journal.take_out_of_service(host)
    recovery.world.flows.run_host(recovery)
    latest = recovery.journal.latest_moves()
    return verdict.of_moves([planned.vmove for planned in latest])


def _expired(world: World, notification: Notification) -> bool:
    if notification.created_at is None:
        return False
    age = world.clock.utcnow() - notification.created_at
    return age > datetime.timedelta(seconds=world.settings.expiry)
