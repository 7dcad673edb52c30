# SPDX-License-Identifier: Apache-2.0
"""Options that are still accepted but have nothing to say any more."""

from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: (group, option); the reasons are in the options' help.
IGNORED = (
    *(
        ("DEFAULT", name)
        for name in (
            "check_expired_notifications_interval",
            "engine_manager",
            "fatal_exception_format_errors",
            "monkey_patch",
            "monkey_patch_modules",
            "notification_delay_max",
            "periodic_enable",
            "periodic_fuzzy_delay",
            "periodic_interval_max",
            "report_interval",
            "retry_notification_new_status_interval",
            "service_down_time",
            "tempdir",
        )
    ),
    ("coordination", "backend_url"),
    ("osapi_v1", "extensions_blacklist"),
    ("osapi_v1", "extensions_whitelist"),
    *(
        ("ssl", name)
        for name in ("ca_file", "cert_file", "key_file", "version", "ciphers")
    ),
)


def log_ignored(conf: cfg.ConfigOpts) -> None:
    """Log, in one line, the options that are set in vain."""
    names = [
        f"[{group}] {name}"
        for group, name in IGNORED
        if _is_set(conf, group, name)
    ]
    if names:
        LOG.info(
            "These options are set but have no effect: %s.", ", ".join(names)
        )


def _is_set(conf: cfg.ConfigOpts, group: str, name: str) -> bool:
    where = conf.get_location(name, None if group == "DEFAULT" else group)
    return where is not None and where.location.is_user_controlled
