# SPDX-License-Identifier: Apache-2.0
"""The one story: what becomes of a claimed notification.

Look whether it calls for a recovery, run the workflow for it, judge what
came of it, write the verdict and release the claim. Whatever is raised on
the way ends in a verdict too.
"""

import datetime
import functools
import logging
import threading
from collections.abc import Callable, Mapping

from masakari import context, exception
from masakari.db import hosts
from masakari.domain import dispatch, verdict
from masakari.domain.model import (
    Host,
    Notification,
    NotificationType,
    Unreadable,
)
from masakari.domain.server import Server
from masakari.domain.verdict import Verdict
from masakari.engine import (
    host_failure,
    instance_failure,
    process_failure,
    reserves,
)
from masakari.engine.announcements import Announcements
from masakari.engine.journal import Journal
from masakari.engine.lease import Lease
from masakari.engine.world import World
from masakari.nova import port
from masakari.nova.port import ComputePort

LOG = logging.getLogger(__name__)


class Recovery:
    """One notification in the hands of this engine."""

    def __init__(self, world: World, lease: Lease) -> None:
        self.world = world
        self.lease = lease
        self.context = context.admin(lease.claim.request_id)
        self.journal = Journal(
            world.database,
            world.clock,
            lease,
            Announcements(world.events, self.context),
        )
        self.compute: ComputePort = world.compute.for_request(
            self.context.request_id
        )
        #: What Nova last listed on the failed host, by uuid.
        self.servers: dict[str, Server] = {}
        #: Whether it has been looked what is to be evacuated.
        self.planned = False
        #: Whether what cannot go where it is sent can be sent elsewhere.
        self.has_alternative = False
        #: Whether another reserved host can be tried after the present one.
        self.has_more_reserves = False

    @functools.cached_property
    def host(self) -> Host:
        """The host that the notification is about, as it was at first.

        :raises HostNotFound: it is not registered any more
        """
        return self.world.database.read(
            hosts.get, self.notification.source_host_uuid
        )

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
        if self.notification.created_at is None:
            return False
        age = self.world.clock.utcnow() - self.notification.created_at
        return age > datetime.timedelta(seconds=self.world.settings.expiry)

    def pause(self, seconds: float) -> None:
        """Wait, but not for longer than the engine runs."""
        self.world.clock.wait(self.world.stopping, seconds)
        self.check()

    def linger(self, seconds: float) -> None:
        """Wait in the midst of what must not be left half done.

        An engine that is to stop still brings it to its end. Only the
        failure of the whole host goes before it.

        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the host has failed
        """
        self.world.clock.wait(threading.Event(), seconds)
        self.give_way()

    def give_way(self) -> None:
        """Call before every act for a part of a host that may fail.

        :raises ClaimLost: the engine must not act any more
        :raises RecoveryInterrupted: the whole host has failed
        """
        self.lease.check()
        if self.journal.host_is_failing() and not self._host_is_up():
            raise exception.RecoveryInterrupted(uuid=self.notification.uuid)

    def _host_is_up(self) -> bool:
        """Whether the report of the host's failure is wrong, or too early."""
        try:
            return self.compute.compute_service(self.host.name).up
        except port.ComputeError:
            return False


def recover(world: World, lease: Lease) -> None:
    """Carry a claimed notification to its end, or hand it over."""
    claim = lease.claim
    # What this thread logs bears the id of the request that reported it.
    context.admin(claim.request_id).update_store()
    LOG.info(
        "Working on notification %s (%s, attempt %d) of host %s",
        claim.notification.uuid,
        claim.notification.type,
        claim.attempt,
        claim.notification.source_host_uuid,
    )
    try:
        _carry_out(Recovery(world, lease))
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


def _carry_out(recovery: Recovery) -> None:
    uuid, attempt = recovery.notification.uuid, recovery.lease.claim.attempt
    recovery.journal.begin()
    try:
        result = verdict.after_attempt(
            _judge(recovery), attempt, last=recovery.expired
        )
        _give_back(recovery)
    except exception.RecoveryInterrupted:
        recovery.journal.hand_back()
        LOG.info("Notification %s is handed over", uuid)
        return
    recovery.journal.finish(
        result, retry_in=recovery.world.settings.retry_interval
    )
    LOG.info(
        "Notification %s is %s: %s",
        uuid,
        result.status,
        result.message or "all is done",
    )


def _give_back(recovery: Recovery) -> None:
    """The result counts, whatever becomes of what is given back."""
    try:
        reserves.give_back_unused(recovery)
    except (
        exception.ClaimLost,
        exception.RecoveryInterrupted,
        exception.ServiceUnavailable,
    ):
        raise
    except Exception:
        LOG.exception(
            "Notification %s: reserved hosts could not be given back",
            recovery.notification.uuid,
        )


def _judge(recovery: Recovery) -> Verdict:
    uuid = recovery.notification.uuid
    try:
        return _recover(recovery)
    except (
        exception.SkipHostRecoveryException,
        exception.SkipInstanceRecoveryException,
        exception.SkipProcessRecoveryException,
    ) as reason:
        return verdict.finished(str(reason))
    except exception.IgnoreInstanceRecoveryException as reason:
        return verdict.ignored(str(reason), alarming=True)
    except (exception.RecoveryInterrupted, exception.ClaimLost):
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


def _recover(recovery: Recovery) -> Verdict:
    if recovery.expired:
        return verdict.failed(
            "The notification expired before it could be recovered."
        )
    if isinstance(recovery.notification.payload, Unreadable):
        return verdict.failed("The payload cannot be read.")
    try:
        segment = recovery.host.segment
    except exception.HostNotFound:
        return verdict.failed("The host is not registered any more.")
    disabled = dispatch.segment(segment)
    if disabled is not None and not process_failure.is_undone(recovery):
        return disabled
    return _RECOVERIES[recovery.notification.type](recovery)


_RECOVERIES: Mapping[NotificationType, Callable[[Recovery], Verdict]] = {
    NotificationType.COMPUTE_HOST: host_failure.recover,
    NotificationType.VM: instance_failure.recover,
    NotificationType.PROCESS: process_failure.recover,
}
