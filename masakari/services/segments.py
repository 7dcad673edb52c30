# SPDX-License-Identifier: Apache-2.0
"""Use cases of failover segments."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from oslo_utils import uuidutils

from masakari import exception
from masakari.context import RequestContext
from masakari.db import query, segments, turns
from masakari.domain import model
from masakari.events import changes, payloads
from masakari.services.environment import Services, Session


def find(
    services: Services,
    filters: Mapping[str, str | bool | None],
    page: query.Page,
) -> list[model.Segment]:
    """The segments of a page; None in ``filters`` is no filter."""
    return services.database.read(segments.select, filters, page)


def get(services: Services, uuid: str) -> model.Segment:
    """One segment.

    :raises SegmentNotFound: there is none
    """
    if not uuidutils.is_uuid_like(uuid):
        raise exception.SegmentNotFound(uuid=uuid)
    return services.database.read(segments.get, uuid)


def create(
    services: Services,
    context: RequestContext,
    *,
    name: str,
    recovery_method: str,
    service_type: str,
    description: str | None = None,
    enabled: bool = True,
) -> model.Segment:
    """A new segment.

    :raises SegmentExists: the name is taken
    """
    segment = model.Segment(
        **model.UNSAVED,
        uuid=uuidutils.generate_uuid(),
        name=name,
        recovery_method=model.RecoveryMethod(recovery_method),
        service_type=service_type,
        description=description,
        enabled=enabled,
    )
    with changes.told(services.events, context, "segment.create") as told:
        told.wanted = payloads.unsaved(payloads.segment(segment))
        created = services.database.write(segments.create, segment)
        told.done = payloads.segment(created)
    return created


def update(
    services: Services,
    context: RequestContext,
    uuid: str,
    values: Mapping[str, Any],
) -> model.Segment:
    """Change a segment that is not being recovered.

    :raises SegmentNotFound: there is none
    :raises SegmentInUse: work is left to do for one of its hosts
    :raises SegmentExists: the new name is taken
    """
    services.database.read(segments.get, uuid)
    with changes.told(services.events, context, "segment.update") as told:

        def change(session: Session) -> model.Segment:
            turns.take_segment(session, uuid)
            told.wanted = None
            known = segments.get(session, uuid)
            work = segments.under_recovery(session, uuid)
            if work is not None:
                raise exception.SegmentInUse(
                    uuid=uuid, changed="updated", work=work
                )
            told.wanted = payloads.segment(_replaced(known, values))
            return segments.update(session, uuid, **values)

        segment = services.database.write(change)
        told.done = payloads.segment(segment)
    return segment


def delete(services: Services, context: RequestContext, uuid: str) -> None:
    """Delete a segment that is not being recovered, and its hosts.

    :raises SegmentNotFound: there is none
    :raises SegmentInUse: work is left to do for one of its hosts
    """
    services.database.read(segments.get, uuid)
    removed = False

    with changes.told(services.events, context, "segment.delete") as told:

        def remove(session: Session) -> None:
            nonlocal removed
            turns.take_segment(session, uuid)
            if removed and not segments.is_there(session, uuid):
                # An earlier commit was done, although its answer was lost.
                return
            told.wanted = None
            removed = False
            known = segments.get(session, uuid)
            work = segments.under_recovery(session, uuid)
            if work is not None:
                raise exception.SegmentInUse(
                    uuid=f"({uuid})", changed="deleted", work=work
                )
            told.wanted = payloads.segment(known)
            removed = True
            segments.delete(session, uuid)

        services.database.write(remove)


def _replaced(
    segment: model.Segment, values: Mapping[str, Any]
) -> model.Segment:
    """The segment with other values."""
    new = dict(values)
    if "recovery_method" in new:
        new["recovery_method"] = model.RecoveryMethod(new["recovery_method"])
    return dataclasses.replace(segment, **new)
