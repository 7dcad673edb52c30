# SPDX-License-Identifier: Apache-2.0
"""What other processes may call: wake up, and show progress."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from masakari.domain.model import TaskProgress
from masakari.rpc import bus, wire

LOG = logging.getLogger(__name__)


class EngineEndpoint:
    """RPC methods of the engine; the history is in :mod:`masakari.rpc`.

    :param wake: makes the engine look for work
    :param progress: reads the progress of a notification by its uuid and
        its status, which is None when the caller does not tell it
    """

    target = bus.target(version=bus.VERSION)

    def __init__(
        self,
        wake: Callable[[], None],
        progress: Callable[[str, str | None], Sequence[TaskProgress]],
    ) -> None:
        self._wake = wake
        self._progress = progress

    def process_notification(self, ctxt: Any, notification: Any) -> None:
        """There is a new notification; the database has it (1.0)."""
        del ctxt, notification
        LOG.debug("Woken by a message")
        self._wake()

    def get_notification_recovery_workflow_details(
        self, ctxt: Any, notification: dict[str, Any]
    ) -> dict[str, Any]:
        """Fill in how far the recovery is (1.1).

        Our own API reads it from the database; that of other releases asks.
        """
        del ctxt
        data = notification["masakari_object.data"]
        tasks = self._progress(data["notification_uuid"], data.get("status"))
        return wire.with_details(notification, tasks)
