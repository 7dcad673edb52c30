# SPDX-License-Identifier: Apache-2.0
"""The group ``[coordination]``, which is accepted and ignored."""

from oslo_config import cfg

GROUP = cfg.OptGroup("coordination", title="Coordination service")

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "backend_url",
        secret=True,
        help="URL of a coordination service. Masakari coordinates all its "
        "processes through the database and needs none: the option is "
        "accepted and ignored.",
    ),
]


def list_opts() -> list[tuple[str | cfg.OptGroup, list[cfg.Opt]]]:
    return [(GROUP, OPTS)]
