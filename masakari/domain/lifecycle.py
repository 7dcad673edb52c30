# SPDX-License-Identifier: Apache-2.0
"""The transitions that notifications and moves may make."""

from collections.abc import Mapping

from masakari.domain.model import NotificationStatus, VMoveStatus

_N = NotificationStatus
_V = VMoveStatus

NOTIFICATION: Mapping[NotificationStatus, frozenset[NotificationStatus]] = {
    _N.NEW: frozenset({_N.RUNNING, _N.FAILED}),
    # From running to running: another engine took it over.
    _N.RUNNING: frozenset(
        {_N.RUNNING, _N.FINISHED, _N.IGNORED, _N.ERROR, _N.FAILED}
    ),
    _N.ERROR: frozenset({_N.RUNNING, _N.FAILED}),
    _N.FINISHED: frozenset(),
    _N.IGNORED: frozenset(),
    _N.FAILED: frozenset(),
}

VMOVE: Mapping[VMoveStatus, frozenset[VMoveStatus]] = {
    _V.PENDING: frozenset(
        {_V.ONGOING, _V.SUCCEEDED, _V.FAILED, _V.IGNORED}
    ),
    # From ongoing to ongoing: the evacuation was asked for again.
    _V.ONGOING: frozenset(
        {_V.ONGOING, _V.SUCCEEDED, _V.FAILED, _V.IGNORED}
    ),
    _V.SUCCEEDED: frozenset(),
    _V.FAILED: frozenset(),
    _V.IGNORED: frozenset(),
}
