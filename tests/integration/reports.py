# SPDX-License-Identifier: Apache-2.0
"""Failures as monitors report them, and what becomes of the reports."""

import datetime

from tests.integration.deployment import wait_for

FINAL = {"finished", "failed", "ignored"}


def report(ha, moment=None):
    """Post what a host monitor posts when compute-1 is gone."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return ha.create_notification(
        type="COMPUTE_HOST",
        hostname="compute-1",
        generated_time=moment or now.isoformat(),
        payload={
            "event": "STOPPED",
            "cluster_status": "OFFLINE",
            "host_status": "NORMAL",
        },
    ).notification_uuid


def ended(ha, uuid):
    """The notification, once it has a final status."""

    def final():
        found = ha.get_notification(uuid)
        return found if found.status in FINAL else None

    return wait_for(final)
