# SPDX-License-Identifier: Apache-2.0
"""Use cases of notifications."""

import datetime
import logging
from collections.abc import Mapping

from oslo_utils import uuidutils

from masakari import exception
from masakari.context import RequestContext
from masakari.db import (
    clocks,
    hosts,
    notifications,
    outages,
    progress,
    query,
    turns,
)
from masakari.domain import duplicates, model, triage
from masakari.events import changes, payloads
from masakari.services.environment import Services, Session

LOG = logging.getLogger(__name__)


def find(
    services: Services,
    filters: Mapping[str, str | datetime.datetime | None],
    page: query.Page,
) -> list[model.Notification]:
    """The notifications of a page; None in ``filters`` is no filter.

    :param filters: ``generated_since`` is a time, naive and in UTC
    """
    return services.database.read(notifications.select, filters, page)


def get(services: Services, uuid: str) -> model.Notification:
    """One notification.

    :raises NotificationNotFound: there is none
    """
    if not uuidutils.is_uuid_like(uuid):
        raise exception.NotificationNotFound(uuid=uuid)
    return services.database.read(notifications.get, uuid)


def workflow(
    services: Services, notification: model.Notification
) -> list[model.TaskProgress]:
    """How far the tasks of its recoveries have come."""
    return services.workflows.read(
        progress.of_notification, notification.uuid, notification.status
    )


def create(
    services: Services,
    context: RequestContext,
    *,
    type: model.NotificationType,
    hostname: str,
    generated_time: datetime.datetime,
    payload: Mapping[str, str],
) -> model.Notification:
    """Accept the report of a failure, and wake an engine.

    Reports of one host are taken in one by one, so that of several monitors
    that see the same failure at the same moment exactly one is heard.

    :param generated_time: naive UTC
    :raises InvalidInput: no segment has a host of the name, or it is dated
        in the future
    :raises HostOnMaintenance: its failures are nobody's business now
    :raises DuplicateNotification: the failure has been reported already
    """
    known = services.database.read(hosts.by_name, hostname)
    if known is None:
        raise _unknown(hostname)
    report = model.Notification(
        **model.UNSAVED,
        uuid=uuidutils.generate_uuid(),
        type=type,
        status=model.NotificationStatus.NEW,
        source_host_uuid=known.uuid,
        failover_segment_uuid=known.segment.uuid,
        generated_time=generated_time,
        payload=payload,
        message=None,
    )

    def accept(session: Session) -> model.Notification:
        turns.take(session, known.uuid)
        accepted = notifications.find(session, report.uuid)
        if accepted is not None:
            # An earlier commit was done, although its answer was lost.
            return accepted
        told.wanted = None
        _check(services, session, hostname, report)
        told.wanted = payloads.unsaved(payloads.notification(report))
        _note_stop(session, report)
        return notifications.create(
            session, report, request_id=context.global_id
        )

    with changes.told(services.events, context, "notification.create") as told:
        try:
            notification = services.database.write(accept)
        except exception.DuplicateNotification:
            # No engine has to act, but it has not been up all the time.
            services.database.write(_note_stop, report)
            raise
        told.done = payloads.notification(notification)
    LOG.info(
        "Accepted notification %s of the type %s from host %s",
        notification.uuid,
        notification.type,
        hostname,
    )
    services.engine_client.process_notification(context, notification)
    return notification


def _note_stop(session: Session, report: model.Notification) -> None:
    """A host that waits for a process waits anew when that stops again."""
    if triage.tells_of_stop(report):
        process = triage.process(report.payload)
        outages.begin_again(session, report.source_host_uuid, process)


def _check(
    services: Services,
    session: Session,
    hostname: str,
    report: model.Notification,
) -> None:
    """Refuse what engines should not hear of."""
    host = hosts.by_name(session, hostname)
    if host is None or host.uuid != report.source_host_uuid:
        raise _unknown(hostname)
    now = clocks.server_now(session)
    _check_time(report, now, services.settings.time_tolerance)
    outage = outages.of_host(session, host.uuid)
    if not triage.admitted(
        host, outage, type=report.type, payload=report.payload
    ):
        raise exception.HostOnMaintenance(host=hostname, type=report.type)
    rules = duplicates.Rules(
        now=now,
        interval=services.settings.duplicate_interval,
        tolerance=services.settings.time_tolerance,
        lifted_after=turns.lifted_after(session, host.uuid),
    )
    original = _original(session, report, rules)
    if original is not None:
        raise exception.DuplicateNotification(
            host=hostname,
            type=report.type,
            uuid=original.uuid,
            time=_utc(original.generated_time),
            status=original.status,
        )


def _check_time(
    report: model.Notification,
    now: datetime.datetime,
    tolerance: datetime.timedelta,
) -> None:
    """Refuse what would make duplicates of all that is reported till then."""
    ahead = report.generated_time - now
    if ahead > tolerance:
        raise exception.InvalidInput(
            f"Invalid input for field/attribute generated_time. It is "
            f"{_utc(report.generated_time)}, {ahead.total_seconds():.0f} "
            f"seconds ahead of the database's time, {_utc(now)}. Times are "
            "UTC unless they carry a zone."
        )


def _original(
    session: Session, report: model.Notification, rules: duplicates.Rules
) -> model.Notification | None:
    """The report of the same failure that came before."""
    about = {
        model.NotificationType.VM: report.payload.get("instance_uuid", ""),
        model.NotificationType.PROCESS: triage.process(report.payload),
    }
    known = notifications.of_host(
        session,
        report.source_host_uuid,
        report.type,
        duplicates.since(report.generated_time, rules.interval),
        about=about.get(report.type, ""),
    )
    return duplicates.original(report, known, rules)


def _utc(moment: datetime.datetime) -> str:
    return f"{moment.isoformat(timespec='seconds')}Z"


def _unknown(hostname: str) -> exception.InvalidInput:
    return exception.InvalidInput(
        f"Host with name {hostname} could not be found."
    )
