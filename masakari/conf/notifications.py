# SPDX-License-Identifier: Apache-2.0
"""Options for the life of a notification: duplicates, claims, retries."""

from oslo_config import cfg

OPTS: list[cfg.Opt] = [
    cfg.IntOpt(
        "duplicate_notification_detection_interval",
        default=180,
        min=0,
        help="Seconds within which a second notification of the same type, "
        "host and payload is the same event and is refused as a duplicate "
        "(409). The times compared are the ones at which the notifications "
        "were generated. An instance whose recovery is done, and a process "
        "that was reported as started since, can fail again within it. So can "
        "a host, and a process, once its recovery is done and the host's "
        "maintenance has been lifted.",
    ),
    cfg.IntOpt(
        "generated_time_tolerance",
        default=300,
        min=0,
        help="How many seconds the clock of a monitor may be ahead of the "
        "database's. A notification whose generated_time is further in the "
        "future is refused (400): later ones would be taken for its "
        "duplicates until then. Times are UTC unless they carry a zone.",
    ),
    cfg.FloatOpt(
        "notification_poll_interval",
        default=2,
        min=0.1,
        help="Seconds between two looks of an engine for notifications to "
        "work on. A message usually wakes an engine sooner; this is how "
        "long a recovery is delayed when there is no message bus.",
    ),
    cfg.IntOpt(
        "notification_lease",
        default=15,
        min=3,
        help="Seconds for which an engine owns a notification without "
        "renewing its claim. When an engine dies, others take its "
        "recoveries over after this time.",
    ),
    cfg.IntOpt(
        "notification_lease_renewal",
        default=5,
        min=1,
        help="Seconds between two renewals of the claims an engine holds. "
        "It has to be well below notification_lease: a third of it survives "
        "two renewals that fail.",
    ),
    cfg.IntOpt(
        "process_unfinished_notifications_interval",
        default=120,
        help="Seconds after which a recovery that ended in error is tried "
        "once more.",
    ),
    cfg.IntOpt(
        "retry_notification_new_status_interval",
        default=60,
        mutable=True,
        help="Formerly the age in seconds at which a notification that no "
        "engine had heard of was looked for. Engines now find it in the "
        "database within notification_poll_interval: the option is accepted "
        "and ignored.",
    ),
    cfg.IntOpt(
        "check_expired_notifications_interval",
        default=600,
        help="Formerly the seconds between two searches for notifications "
        "that have expired. Engines now find them when they look for work: "
        "the option is accepted and ignored.",
    ),
    cfg.IntOpt(
        "notifications_expired_interval",
        default=86400,
        min=0,
        help="Age in seconds, since it was stored, at which a notification "
        "that is still unfinished is given up and becomes failed.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [("DEFAULT", OPTS)]
