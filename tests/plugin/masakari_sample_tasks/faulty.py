# SPDX-License-Identifier: Apache-2.0
"""Tasks that no recovery can be made with, each for another reason."""

import os

from taskflow import task

from masakari import exception
from masakari.engine.drivers.taskflow import base


class OldConstructor(task.Task):
    """Takes what tasks were handed once."""

    def __init__(self, novaclient):
        super().__init__()
        self.novaclient = novaclient

    def execute(self):
        """Nothing."""


class NeedsRoom(base.MasakariTask):
    """Waits for what nothing provides."""

    def __init__(self, context, novaclient, **kwargs):
        kwargs["requires"] = ["notification_uuid", "room"]
        super().__init__(context, novaclient, **kwargs)

    def execute(self, notification_uuid, room):
        """Nothing."""


class UndoesInRoom(base.MasakariTask):
    """Needs it only to undo what it has done."""

    def execute(self):
        """Nothing."""

    def revert(self, room, **kwargs):
        """Nothing."""


class ProvidesRoom(base.MasakariTask):
    def __init__(self, context, novaclient, **kwargs):
        kwargs["provides"] = "room"
        super().__init__(context, novaclient, **kwargs)

    def execute(self):
        return "room 7"


class NeedsEnvironment(base.MasakariTask):
    def __init__(self, context, novaclient, **kwargs):
        super().__init__(context, novaclient, **kwargs)
        self.token = os.environ["MASAKARI_SAMPLE_TASKS_TOKEN"]

    def execute(self):
        """Nothing."""


class RefusesItself(base.MasakariTask):
    """Its error is one of Masakari's."""

    def __init__(self, context, novaclient, **kwargs):
        super().__init__(context, novaclient, **kwargs)
        raise exception.HostRecoveryFailureException(
            "The board of\nno host is known."
        )

    def execute(self):
        """Nothing."""


class DoesNothing(base.MasakariTask):
    """Has no ``execute``."""


class AsksInConstructor(base.MasakariTask):
    """Asks Nova before there is anything to recover."""

    def __init__(self, context, novaclient, **kwargs):
        super().__init__(context, novaclient, **kwargs)
        self.aggregates = novaclient.get_aggregate_list(context)

    def execute(self):
        self.update_details(f"{len(self.aggregates)} aggregates", 1.0)
