# SPDX-License-Identifier: Apache-2.0
"""The base class of recovery tasks, where third parties import it from."""

from masakari.engine.tasks.base import MasakariTask

__all__ = ["MasakariTask"]
