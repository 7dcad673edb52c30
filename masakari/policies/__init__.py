# SPDX-License-Identifier: Apache-2.0
"""The default rules: who may call what."""

import itertools

from oslo_policy import policy

from masakari.policies import (
    base,
    extensions,
    hosts,
    notifications,
    segments,
    versions,
    vmoves,
)


def list_rules() -> list[policy.RuleDefault]:
    """Every rule that Masakari knows; for oslo.policy's tools as well."""
    modules = (
        base,
        extensions,
        hosts,
        notifications,
        segments,
        versions,
        vmoves,
    )
    return list(itertools.chain.from_iterable(m.RULES for m in modules))
