# SPDX-License-Identifier: Apache-2.0
"""Options for the recovery of a single instance."""

from oslo_config import cfg

GROUP = cfg.OptGroup("instance_failure", title="Recovery of an instance")

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "process_all_instances",
        default=False,
        help="Whether every instance that fails is restarted, or only one "
        "with ha_enabled_instance_metadata_key.",
    ),
    cfg.StrOpt(
        "ha_enabled_instance_metadata_key",
        default="HA_Enabled",
        help="Key in an instance's metadata that says, by a true value, "
        "that the instance is restarted when it fails.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
