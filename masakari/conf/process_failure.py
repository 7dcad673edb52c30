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
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
