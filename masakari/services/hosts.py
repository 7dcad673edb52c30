# SPDX-License-Identifier: Apache-2.0
"""Use cases of hosts."""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from oslo_utils import uuidutils

from masakari import exception
from masakari.context import RequestContext
from masakari.db import hosts, outages, query, segments, turns
from masakari.domain import model
from masakari.events import changes, payloads
from masakari.nova import port
from masakari.services.environment import Services, Session

LOG = logging.getLogger(__name__)


def find(
    services: Services,
    segment_uuid: str,
    filters: Mapping[str, str | bool | None],
    page: query.Page,
) -> list[model.Host]:
    """The hosts of a page of a segment; None in ``filters`` is no filter.

    :raises SegmentNotFound: there is no such segment
    """

    def look(session: Session) -> list[model.Host]:
        segments.get(session, segment_uuid)
        return hosts.select(session, segment_uuid, filters, page)

    return services.database.read(look)


def get(services: Services, segment_uuid: str, uuid: str) -> model.Host:
    """One host of a segment.

    :raises NotFound: there is none
    """
    if not uuidutils.is_uuid_like(uuid):
        raise exception.HostNotFound(uuid=uuid)
    return services.database.read(hosts.get_in_segment, segment_uuid, uuid)


def create(
    services: Services,
    context: RequestContext,
    segment_uuid: str,
    *,
    name: str,
    type: str,
    control_attributes: str,
    reserved: bool = False,
    on_maintenance: bool = False,
) -> model.Host:
    """Add a host to a segment, also while the segment is being recovered.

    :raises SegmentNotFound: there is no such segment
    :raises HostExists: the name is taken, in whatever segment
    :raises MasakariException: what :func:`check_name` raises
    """
    segment = services.database.read(segments.get, segment_uuid)
    check_name(services, name)
    host = model.Host(
        **model.UNSAVED,
        uuid=uuidutils.generate_uuid(),
        name=name,
        type=type,
        control_attributes=control_attributes,
        reserved=reserved,
        on_maintenance=on_maintenance,
        segment=segment,
    )
    with changes.told(services.events, context, "host.create") as told:
        told.wanted = payloads.unsaved(payloads.host(host))
        created = services.database.write(hosts.create, host)
        told.done = payloads.host(created)
    return created


def update(
    services: Services,
    context: RequestContext,
    segment_uuid: str,
    uuid: str,
    values: Mapping[str, Any],
) -> model.Host:
    """Change a host whose segment is not being recovered.

    What waits in ``error`` for another host of the segment is tried again
    by itself, whatever becomes of this one.

    From then on a maintenance is the caller's, even if Masakari had set it.

    :raises HostNotFoundInSegment: there is none
    :raises HostInUse: work is left to do for it, or being done for another
        host of its segment
    :raises HostExists: the new name is taken
    :raises MasakariException: what :func:`check_name` raises
    """

    def check(session: Session) -> model.Host:
        return _unused(session, segment_uuid, uuid, changed="updated")

    services.database.read(check)
    if "name" in values:
        check_name(services, str(values["name"]))
    with changes.told(services.events, context, "host.update") as told:

        def change(session: Session) -> model.Host:
            turns.take(session, uuid)
            told.wanted = None
            known = check(session)
            told.wanted = payloads.host(dataclasses.replace(known, **values))
            if "on_maintenance" in values:
                outages.forget(session, uuid)
            return hosts.update(session, uuid, **values)

        host = services.database.write(change)
        told.done = payloads.host(host)
    return host


def delete(
    services: Services, context: RequestContext, segment_uuid: str, uuid: str
) -> None:
    """Delete a host whose segment is not being recovered.

    :raises HostNotFoundInSegment: there is none
    :raises HostInUse: work is left to do for it, or being done for another
        host of its segment
    """
    services.database.read(hosts.get_in_segment, segment_uuid, uuid)
    removed = False

    with changes.told(services.events, context, "host.delete") as told:

        def remove(session: Session) -> None:
            nonlocal removed
            turns.take(session, uuid)
            if removed and not hosts.is_there(session, uuid):
                # An earlier commit was done, although its answer was lost.
                return
            told.wanted = None
            removed = False
            known = _unused(session, segment_uuid, uuid, changed="deleted")
            told.wanted = payloads.host(known)
            removed = True
            hosts.delete(session, uuid)

        services.database.write(remove)


def _unused(
    session: Session, segment_uuid: str, uuid: str, *, changed: str
) -> model.Host:
    """The host, which is about to be ``changed``."""
    known = hosts.get_in_segment(session, segment_uuid, uuid)
    work = segments.under_recovery(session, segment_uuid, uuid)
    if work is not None:
        raise exception.HostInUse(uuid=uuid, changed=changed, work=work)
    return known


def check_name(services: Services, name: str) -> None:
    """Make sure that Nova has a compute service on a host of this name.

    Where Nova cannot be asked this is 503 to the caller, who may try again;
    earlier releases answered 500.

    :raises InvalidInput: Nova has none
    :raises ServiceUnavailable: Nova does not answer, or not to the point, or
        refuses Masakari's own account
    """
    try:
        services.compute().compute_service(name)
    except port.NotFound as error:
        raise exception.InvalidInput(
            f"Compute service with name {name} could not be found."
        ) from error
    except (port.Refused, exception.ServiceUnavailable) as error:
        # The reason is the operator's business, not the caller's.
        LOG.warning(
            "Nova cannot be asked for the compute service on host %s: %s",
            name,
            error,
        )
        why = "Nova is not available"
        if isinstance(error, port.Refused) and error.code in (401, 403):
            why = f"Nova refuses Masakari's own account ({error.code})"
        raise exception.ServiceUnavailable(
            f"The compute service cannot be looked up as {why}."
        ) from error
