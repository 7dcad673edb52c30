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
    cfg.IntOpt(
        "evacuation_start_timeout",
        default=120,
        min=0,
        help="The seconds within which Nova begins an evacuation that it has "
        "taken, or may have taken: one whose request got no answer, or whose "
        "record in Nova has no destination and does not change. Only after "
        "them the instance is asked for again. Nova has no means to tell a "
        "repeated request from a new one, so an evacuation that begins even "
        "later is done twice.",
    ),
    cfg.IntOpt(
        "evacuation_stuck_minutes",
        default=15,
        min=1,
        help="How many minutes an evacuation may show no change, neither in "
        "its record in Nova nor on the instance, while its destination is "
        "up. Then it counts as failed, for instance because nova-compute was "
        "restarted there. The instance is not asked for again, since Nova "
        "may still be at work on it. Set it above what the longest rebuild "
        "takes.",
    ),
    cfg.BoolOpt(
        "evacuate_to_stopped_at_last",
        default=True,
        help="Whether an instance that cannot be rebuilt on several hosts is "
        "evacuated without being started, as the last way, so that its owner "
        "can start it: one with an encrypted volume whose key only the owner "
        "may read, for instance. Needs Nova's microversion 2.95. It counts "
        "as failed until it runs.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
