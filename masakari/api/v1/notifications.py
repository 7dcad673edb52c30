# SPDX-License-Identifier: Apache-2.0
"""``/notifications``: the failures that monitors report."""

import datetime
from typing import Any, ClassVar

from oslo_utils import timeutils

from masakari import exception
from masakari.api import paging, versions
from masakari.api.resource import Call, Collection, Member, operation
from masakari.api.v1 import views, vmoves
from masakari.api.v1.schemas import notification as schema
from masakari.domain import model
from masakari.policies import notifications as rules
from masakari.services import notifications

_WITH_DETAILS = versions.parse("1.1")


class Notification(Member):
    variable = "notification_uuid"
    below: ClassVar = {"vmoves": vmoves.VMoves}

    @operation(rules.DETAIL, response=schema.ONE, errors=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a notification, and since 1.1 how far its recovery is."""
        notification = notifications.get(
            call.services, self.path["notification_uuid"]
        )
        content = views.notification(notification)
        if call.version >= _WITH_DETAILS:
            content["recovery_workflow_details"] = [
                views.task(task)
                for task in notifications.workflow(call.services, notification)
            ]
        return {"notification": content}


class Notifications(Collection):
    member = Notification

    @operation(
        rules.INDEX, query=schema.QUERY, response=schema.MANY, errors=(400,)
    )
    def index(self, call: Call) -> dict[str, Any]:
        """List notifications."""
        found = notifications.find(
            call.services,
            {
                **paging.texts(
                    call.query, "status", "type", "source_host_uuid"
                ),
                "generated_since": _since(call),
            },
            paging.page(call.query, call.services.settings.max_limit),
        )
        return {"notifications": [views.notification(n) for n in found]}

    @operation(
        rules.CREATE,
        body=schema.CREATE,
        status=202,
        response=schema.CREATED,
        errors=(400, 409),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Report a failure."""
        body = call.body["notification"]
        kind = model.NotificationType(body["type"])
        schema.PAYLOADS[kind].check(body["payload"])
        notification = notifications.create(
            call.services,
            call.context,
            type=kind,
            hostname=body["hostname"],
            generated_time=_time(body["generated_time"]),
            payload=body["payload"],
        )
        return {"notification": views.notification(notification)}


def _since(call: Call) -> datetime.datetime | None:
    text = paging.last(call.query, "generated-since")
    if text is None:
        return None
    try:
        return _time(text)
    except (ValueError, OverflowError) as error:
        raise exception.InvalidInput(
            "Invalid generated-since value"
        ) from error


def _time(text: str) -> datetime.datetime:
    """Naive UTC, of ISO 8601 with or without an offset."""
    return timeutils.normalize_time(timeutils.parse_isotime(text))
