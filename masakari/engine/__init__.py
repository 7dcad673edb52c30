# SPDX-License-Identifier: Apache-2.0
"""Claims notifications and carries out their recoveries."""
