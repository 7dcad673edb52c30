# SPDX-License-Identifier: Apache-2.0
"""``masakari-demo``: a compute host dies, and its instances come back.

A simulated cloud and a whole Masakari are started, over real HTTP; what
happens is shown while it happens and summed up afterwards.
"""

from masakari.cmd.demo.program import main

__all__ = ["main"]
