# SPDX-License-Identifier: Apache-2.0
"""``python -m masakari.cmd.demo``."""

import sys

from masakari.cmd.demo.program import main

sys.exit(main())
