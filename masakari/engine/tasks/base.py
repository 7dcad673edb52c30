# SPDX-License-Identifier: Apache-2.0
"""What every task of a recovery workflow has, ours and third parties'."""

import datetime
import json
import logging
from typing import Any

from taskflow import task

from masakari.engine.recovery import Recovery

LOG = logging.getLogger(__name__)

#: How much progress a task keeps, as TaskFlow stores it: in bytes of JSON,
#: which needs up to twelve for a character. The column holds 64 KiB on
#: MariaDB.
SIZE = 31 * 1024
LINES = 60
LINE_LENGTH = 255


class MasakariTask(task.Task):
    """A step of a workflow, shown in ``recovery_workflow_details``.

    :param context: the request context of the notification
    :param novaclient: what the task may ask of Nova
    :param kwargs: ``requires``, ``rebind`` and ``provides`` are handed to
        TaskFlow; others are for the subclass
    """

    def __init__(self, context: Any, novaclient: Any, **kwargs: Any) -> None:
        super().__init__(
            name=type(self).__name__,
            requires=kwargs.get("requires"),
            rebind=kwargs.get("rebind"),
            provides=kwargs.get("provides"),
        )
        self.context = context
        self.novaclient = novaclient
        self._lines: list[dict[str, str]] = []

    def update_details(self, message: str, progress: float = 0.0) -> None:
        """Add a line to the progress that users see.

        :param progress: of the whole task, from 0 to 1
        """
        line = {
            "timestamp": datetime.datetime.now(datetime.UTC).strftime(
                "%Y-%m-%d %H:%M:%S.%f"
            ),
            "progress": str(float(progress)),
            "message": str(message)[:LINE_LENGTH],
        }
        self._lines.append(line)
        while len(self._lines) > LINES or len(json.dumps(self._lines)) > SIZE:
            # The first lines and the newest tell most.
            del self._lines[len(self._lines) // 2]
        self.notifier.notify(
            task.EVENT_UPDATE_PROGRESS,
            {
                "progress": float(progress),
                "progress_details": list(self._lines),
            },
        )


class RecoveryTask(MasakariTask):
    """A built-in task: it is handed the recovery that it is a step of."""

    def __init__(
        self,
        context: Any,
        novaclient: Any,
        *,
        recovery: Recovery,
        **kwargs: Any,
    ) -> None:
        super().__init__(context, novaclient, **kwargs)
        self.recovery = recovery

    def update_details(self, message: str, progress: float = 0.0) -> None:
        """Tell users, and the operator of what the task has achieved."""
        super().update_details(message, progress)
        if progress == 1.0:
            LOG.info(
                "Notification %s: %s", self.recovery.notification.uuid, message
            )
