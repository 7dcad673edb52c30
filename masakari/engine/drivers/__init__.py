# SPDX-License-Identifier: Apache-2.0
"""Names that recovery tasks of third parties import from here."""
