# SPDX-License-Identifier: Apache-2.0
"""Options for the failure of a process on a compute host."""

from oslo_config import cfg

GROUP = cfg.OptGroup("process_failure", title="Failure of a process")

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "service_disable_reason",
        default="Masakari detected process failed.",
        help="Reason that is given to Nova for disabling the compute "
        "service of a host on which nova-compute has failed. When it has "
        "started again, a service that is disabled for this very reason is "
        "enabled.",
    ),
    cfg.IntOpt(
        "service_up_interval",
        default=120,
        min=0,
        help="Seconds for which Nova has to count the compute service of a "
        "host as up, without a break, after nova-compute was reported as "
        "stopped there. Then the host is put back into service, although "
        "nobody has reported that nova-compute has started. It has to be "
        "longer than Nova's service_down_time, for which a service counts "
        "as up after its last sign of life. At 0 only a report of the start "
        "puts a host back.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
