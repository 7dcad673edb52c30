# SPDX-License-Identifier: Apache-2.0
"""Posts one notification with the sender of masakari-monitors.

Usage: ``python monitor.py CONFIGURATION_FILE``; the event is JSON on standard
input. masakari-monitors imports what Masakari must not, so this is a process
of its own.
"""

import json
import sys

from masakarimonitors import config
from masakarimonitors.ha import masakari as sender
from oslo_utils import timeutils


def main() -> None:
    """Send the event as the monitors do."""
    config.parse_args(["monitor", "--config-file", sys.argv[1]])
    event = json.load(sys.stdin)
    event["generated_time"] = timeutils.utcnow()
    sender.SendNotification().send_notification(0, 1, {"notification": event})


if __name__ == "__main__":
    main()
