# SPDX-License-Identifier: Apache-2.0
"""What Masakari decides, as pure functions over plain data.

Nothing below this package reads a clock, a file, a configuration or a
network; the only import it has from the rest is :mod:`masakari.exception`.
"""
