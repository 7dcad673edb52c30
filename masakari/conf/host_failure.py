# SPDX-License-Identifier: Apache-2.0
"""Options for the recovery of a failed compute host."""

from oslo_config import cfg

GROUP = cfg.OptGroup("host_failure", title="Recovery of a compute host")

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "evacuate_all_instances",
        default=True,
        help="Whether all instances of a failed host are evacuated, those "
        "with ha_enabled_instance_metadata_key first, or only those.",
    ),
    cfg.StrOpt(
        "ha_enabled_instance_metadata_key",
        default="HA_Enabled",
        help="Key in an instance's metadata that says, by a true value, "
        "that the instance is to be evacuated first, or at all.",
    ),
    cfg.StrOpt(
        "priority_instance_metadata_key",
        default="HA_Priority",
        help="Key in an instance's metadata whose integer value says which "
        "instance is evacuated earlier: the higher, the earlier. An "
        "instance without it, or with something else than an integer, has "
        "priority 0. Instances that ha_enabled_instance_metadata_key "
        "singles out come before all others.",
    ),
    cfg.BoolOpt(
        "ignore_instances_in_error_state",
        default=False,
        help="Whether instances in error are left where they are.",
    ),
    cfg.BoolOpt(
        "add_reserved_host_to_aggregate",
        default=False,
        help="Whether a reserved host is added to the aggregates of the "
        "failed host before instances are evacuated to it.",
    ),
    cfg.StrOpt(
        "service_disable_reason",
        default="Masakari detected host failed.",
        help="Reason that is given to Nova for disabling the compute "
        "service of a failed host.",
    ),
    cfg.BoolOpt(
        "force_down",
        default=False,
        help="Tell Nova that the compute service of a failed host is down "
        "(forced_down) instead of waiting until Nova has noticed, which "
        "takes up to Nova's service_down_time. Only where whatever sends "
        "notifications has made sure that the host is off: an instance that "
        "is still running there would run twice. After the host has come "
        "back, forced_down has to be lifted by hand (openstack compute "
        "service set --up), and Nova allows that only after nova-compute "
        "has started there.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
