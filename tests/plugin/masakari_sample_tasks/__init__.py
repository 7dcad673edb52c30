# SPDX-License-Identifier: Apache-2.0
"""Recovery tasks that are not part of Masakari."""
