# SPDX-License-Identifier: Apache-2.0
"""Options of the engine: how long it waits, how much it does at once."""

from oslo_config import cfg

_INTERNAL = "The engine is built the same way always; this is ignored."
_POLL = (
    "Engines look for work every notification_poll_interval; this is ignored."
)

RECOVERY: list[cfg.Opt] = [
    cfg.StrOpt(
        "notification_driver",
        default="taskflow_driver",
        help="What carries out recoveries. taskflow_driver is the only one.",
    ),
    cfg.IntOpt(
        "wait_period_after_service_update",
        default=180,
        min=0,
        help="The most seconds to wait, once the compute service of a "
        "failed host has been disabled, until Nova counts it as down; "
        "recovery goes on as soon as it does. The same limit holds for "
        "seeing that the service is disabled after nova-compute has died.",
    ),
    cfg.IntOpt(
        "wait_period_after_evacuation",
        default=90,
        min=0,
        help="How many seconds one instance may take to get away from a "
        "failed host: how long an evacuation that did not work, for lack of "
        "room for instance, is tried again, and how long its destination has "
        "to be down, where nobody reports that, until it is asked for again.",
    ),
    cfg.IntOpt(
        "verify_interval",
        default=1,
        min=0,
        help="Seconds between two looks at Nova while waiting for it.",
    ),
    cfg.IntOpt(
        "wait_period_after_power_off",
        default=180,
        min=0,
        help="The most seconds to wait until an instance has stopped, before "
        "it is restarted, or has reached its state after an evacuation.",
    ),
    cfg.IntOpt(
        "wait_period_after_power_on",
        default=60,
        min=0,
        help="The most seconds to wait until an instance has started.",
    ),
]

CONCURRENCY: list[cfg.Opt] = [
    cfg.IntOpt(
        "host_failure_recovery_threads",
        default=3,
        min=1,
        help="The fewest evacuations of one failed host that are kept in "
        "flight at once, as long as there are instances left. From here the "
        "number grows while Nova keeps up and shrinks when Nova is slow or "
        "refuses, up to host_failure_recovery_ceiling.",
    ),
    cfg.IntOpt(
        "host_failure_recovery_ceiling",
        default=64,
        min=1,
        help="The most evacuations that one engine keeps in flight at once. "
        "All hosts it is recovering share them.",
    ),
    cfg.IntOpt(
        "concurrent_recoveries",
        default=32,
        min=1,
        help="The most notifications that one engine works on at once. "
        "Others are left to other engines, or wait. The last quarter is kept "
        "for failed hosts.",
    ),
]

SERVICE: list[cfg.Opt] = [
    cfg.IntOpt(
        "graceful_shutdown_timeout",
        default=60,
        min=0,
        help="Seconds that a program which is told to stop may still use to "
        "finish what it has begun. An engine then hands its recoveries to "
        "the others, at 0 at once; one that waits for an answer of Nova is "
        "left to them when its lease ends. The API takes ten seconds at "
        "the most for the requests that it is answering.",
    ),
    cfg.HostAddressOpt(
        "engine_health_listen",
        default="127.0.0.1",
        help="Address on which an engine tells of its health, if "
        "engine_health_port is set.",
    ),
    cfg.PortOpt(
        "engine_health_port",
        default=0,
        help="Port on which an engine answers GET /healthcheck, whether it "
        "is alive, and GET /healthcheck/ready, whether it can work; without "
        "TLS and without tokens. At 0 it does not listen at all.",
    ),
    cfg.StrOpt(
        "masakari_topic",
        default="ha_engine",
        deprecated_for_removal=True,
        deprecated_since="3.0.0",
        deprecated_reason="There is no need to change it.",
        help="Topic of the message bus on which engines listen.",
    ),
    cfg.StrOpt(
        "engine_manager",
        default="masakari.engine.manager.MasakariManager",
        deprecated_for_removal=True,
        deprecated_reason=_INTERNAL,
        help="Class that runs the engine.",
    ),
    cfg.BoolOpt(
        "periodic_enable",
        default=True,
        deprecated_for_removal=True,
        deprecated_reason=_POLL,
        help="Whether an engine does periodic work.",
    ),
    cfg.IntOpt(
        "periodic_interval_max",
        default=300,
        deprecated_for_removal=True,
        deprecated_reason=_POLL,
        help="The most seconds between two runs of periodic work.",
    ),
    cfg.IntOpt(
        "periodic_fuzzy_delay",
        default=60,
        deprecated_for_removal=True,
        deprecated_reason=_POLL,
        help="The most seconds of random delay before the first periodic "
        "work.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [("DEFAULT", [*RECOVERY, *CONCURRENCY, *SERVICE])]
