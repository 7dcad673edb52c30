# SPDX-License-Identifier: Apache-2.0
"""Use cases of failover segments."""

from collections.abc import Mapping

from oslo_utils import uuidutils

from masakari import exception
from masakari.db import query, segments
from masakari.domain import model
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
    return services.database.write(
        segments.create,
        name=name,
        recovery_method=recovery_method,
        service_type=service_type,
        description=description,
        enabled=enabled,
    )


def update(
    services: Services, uuid: str, values: Mapping[str, str | bool | None]
) -> model.Segment:
    """Change a segment that is not being recovered.

    :raises SegmentNotFound: there is none
    :raises SegmentInUse: work is left to do for one of its hosts
    :raises SegmentExists: the new name is taken
    """

    def change(session: Session) -> model.Segment:
        segments.get(session, uuid)
        if segments.under_recovery(session, uuid):
            raise exception.SegmentInUse(uuid=uuid)
        return segments.update(session, uuid, **values)

    return services.database.write(change)


def delete(services: Services, uuid: str) -> None:
    """Delete a segment that is not being recovered, and its hosts.

    :raises SegmentNotFound: there is none
    :raises SegmentInUse: work is left to do for one of its hosts
    """

    def remove(session: Session) -> None:
        segments.get(session, uuid)
        if segments.under_recovery(session, uuid):
            raise exception.SegmentInUse(
                f"Failover segment ({uuid}) can't be deleted as it is "
                "in-use to process notifications."
            )
        segments.delete(session, uuid)

    services.database.write(remove)
