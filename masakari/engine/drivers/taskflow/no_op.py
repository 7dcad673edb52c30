# SPDX-License-Identifier: Apache-2.0
"""A recovery task that does nothing: a pattern for those that do."""

import logging
from typing import Any

from masakari.engine.tasks.base import MasakariTask

LOG = logging.getLogger(__name__)


class Noop(MasakariTask):
    """Says that it was there, in the log and in the progress."""

    def execute(self, **_kwargs: Any) -> None:
        LOG.info("The task that does nothing has been run")
        self.update_details("There is nothing to do", 1.0)
