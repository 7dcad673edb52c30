# SPDX-License-Identifier: Apache-2.0
"""The programs: each puts its parts together and runs them."""
