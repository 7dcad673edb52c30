# SPDX-License-Identifier: Apache-2.0
"""The compute port: everything Masakari asks of Nova."""
