# SPDX-License-Identifier: Apache-2.0
"""For tools that look for it; all is in setup.cfg."""

import setuptools

setuptools.setup()
