# SPDX-License-Identifier: Apache-2.0
"""Use cases of the moves of instances."""

from collections.abc import Mapping

from oslo_utils import uuidutils

from masakari import exception
from masakari.db import notifications, query, vmoves
from masakari.domain import model
from masakari.services.environment import Services, Session


def find(
    services: Services,
    notification_uuid: str,
    filters: Mapping[str, str | None],
    page: query.Page,
) -> list[model.VMove]:
    """The moves of a page of a notification; None filters nothing.

    :raises NotificationNotFound: there is no such notification
    :raises InvalidInput: it is not about a compute host
    """

    def look(session: Session) -> list[model.VMove]:
        _check(session, notification_uuid)
        return vmoves.select(session, notification_uuid, filters, page)

    return services.database.read(look)


def get(services: Services, notification_uuid: str, uuid: str) -> model.VMove:
    """One move of a notification.

    :raises NotFound: there is no such notification or move
    :raises InvalidInput: the notification is not about a compute host
    """

    def look(session: Session) -> model.VMove:
        _check(session, notification_uuid)
        if not uuidutils.is_uuid_like(uuid):
            raise exception.VMoveNotFound(uuid=uuid)
        return vmoves.get(session, notification_uuid, uuid)

    return services.database.read(look)


def _check(session: Session, notification_uuid: str) -> None:
    notification = notifications.get(session, notification_uuid)
    if notification.type != model.NotificationType.COMPUTE_HOST:
        raise exception.InvalidInput(
            f"This notification {notification_uuid} without vm moves."
        )
