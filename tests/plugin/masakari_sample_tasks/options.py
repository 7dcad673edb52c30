# SPDX-License-Identifier: Apache-2.0
"""A task with options of its own, found in each way that tasks find them."""

from oslo_config import cfg

import masakari.conf
from masakari.engine.drivers.taskflow import base
from masakari.i18n import _
from masakari_sample_tasks import diary

CONF = masakari.conf.CONF

CONF.register_opts(
    [
        cfg.StrOpt("address", default="nowhere", mutable=True),
        cfg.IntOpt("patience", default=1, min=1),
    ],
    group="sample_board",
)
cfg.CONF.register_opt(cfg.StrOpt("sample_owner", default="nobody"))


class SwitchOff(base.MasakariTask):
    """Notes what it is configured with, and what Masakari is."""

    def __init__(self, context, novaclient, **kwargs):
        self.others = sorted(kwargs)
        super().__init__(context, novaclient, **kwargs)
        cfg.CONF.register_opt(
            cfg.BoolOpt("really", default=False), group="sample_board"
        )

    def execute(self):
        diary.note(
            self,
            address=CONF.sample_board.address,
            patience=cfg.CONF.sample_board.patience,
            really=CONF.sample_board.really,
            owner=CONF.sample_owner,
            auth_url=cfg.CONF.os_privileged_user_auth_url,
            service_disable_reason=CONF.host_failure.service_disable_reason,
        )
        self.update_details(_("Switched off"), 1.0)


class SwitchOffByBoard(SwitchOff):
    """Has an option without which it cannot work."""

    def __init__(self, context, novaclient, **kwargs):
        super().__init__(context, novaclient, **kwargs)
        CONF.register_opt(
            cfg.StrOpt("key", required=True), group="sample_board"
        )
