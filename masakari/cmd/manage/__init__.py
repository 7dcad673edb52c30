# SPDX-License-Identifier: Apache-2.0
"""``masakari-manage``: what an operator does by hand, beside the API.

A category is a module with its actions in ``ACTIONS``.
"""

from masakari.cmd.manage.program import main

__all__ = ["main"]
