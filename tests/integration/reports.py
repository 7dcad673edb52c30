# SPDX-License-Identifier: Apache-2.0
"""Failures as monitors report them, and what becomes of the reports."""

import datetime
import time

import requests

from tests.integration.deployment import wait_for

FINAL = {"finished", "failed", "ignored"}


def moment_now():
    """As monitors write it."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return now.isoformat()


def host_failure(host, moment=None):
    """What a host monitor posts when a host is gone."""
    return {
        "type": "COMPUTE_HOST",
        "hostname": host,
        "generated_time": moment or moment_now(),
        "payload": {
            "event": "STOPPED",
            "cluster_status": "OFFLINE",
            "host_status": "NORMAL",
        },
    }


def report(ha, moment=None, host="compute-1"):
    """Post what a host monitor posts; returns the notification's uuid."""
    return ha.create_notification(
        **host_failure(host, moment)
    ).notification_uuid


def post(url, token, host):
    """Post a report without a client's patience.

    :returns: the answer, and after how many seconds it came
    """
    began = time.monotonic()
    answer = requests.post(
        f"{url}/v1/notifications",
        json={"notification": host_failure(host)},
        headers={"X-Auth-Token": token},
        timeout=60,
    )
    return answer, time.monotonic() - began


def ended(ha, uuid):
    """The notification, once it has a final status."""

    def final():
        found = ha.get_notification(uuid)
        return found if found.status in FINAL else None

    return wait_for(final)
