# SPDX-License-Identifier: Apache-2.0
"""What is to be done, worked out from plain data."""
