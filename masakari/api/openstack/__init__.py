# SPDX-License-Identifier: Apache-2.0
"""Names that ``api-paste.ini`` files of deployments use."""

from masakari.api import faults

FaultWrapper = faults.FaultWrapper
