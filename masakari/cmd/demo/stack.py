# SPDX-License-Identifier: Apache-2.0
"""The simulated cloud and a whole Masakari beside it, over real HTTP."""

import pathlib
from typing import Any

from oslo_config import cfg

from masakari import conf as configuration
from masakari import keystone
from masakari.api import tokens
from masakari.cmd import allinone
from masakari.nova.client import NovaClient
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from masakari.simulator.keystone import REGION

_PASSWORD = "secret"  # noqa: S105


def configure(
    directory: pathlib.Path,
    options: tuple[tuple[str, int], ...] = (),
    into: cfg.ConfigOpts | None = None,
) -> cfg.ConfigOpts:
    """Masakari's configuration, which depends on nothing outside.

    :param directory: for the database and the log
    :param options: of ``[DEFAULT]``
    :param into: as for :func:`masakari.conf.load`
    """
    conf = configuration.load(
        [], prog="masakari-demo", config_files=[], into=into
    )
    conf.set_override("log_file", str(directory / "masakari.log"))
    allinone.prepare(conf, directory)
    # Nobody needs the records after a loss of power.
    conf.set_override("sqlite_synchronous", False, "database")
    for name, value in options:
        conf.set_override(name, value)
    return conf


class Stack:
    """Keystone, Nova and Masakari, each on a port that was free.

    :param conf: what :func:`configure` made
    """

    def __init__(self, cloud: Cloud, conf: cfg.ConfigOpts) -> None:
        self.cloud = cloud
        self._conf = conf
        self._masakari: allinone.AllInOne | None = None
        self.simulator = SimulatorServer(cloud, password=_PASSWORD)

    def start(self) -> None:
        """:raises OSError: there is no port to be had"""
        self.simulator.start()
        conf, auth_url = self._conf, self.simulator.auth_url
        for option, value in (
            ("os_privileged_user_auth_url", auth_url),
            ("os_privileged_user_name", "masakari"),
            ("os_privileged_user_password", _PASSWORD),
            ("os_privileged_user_tenant", "service"),
            ("os_region_name", REGION),
        ):
            conf.set_override(option, value)
        values = self._values("masakari", "service")
        services = ("compute", "identity")
        tokens.use_cloud(
            conf,
            keystone.Cloud(
                kind="password",
                values=values,
                interfaces=dict.fromkeys(services, "public"),
                regions=dict.fromkeys(services),
            ),
        )
        self._masakari = allinone.AllInOne(
            conf, compute=NovaClient.from_conf(conf), port=0
        )
        self._masakari.start()
        self.simulator.add_endpoint(
            "instance-ha", "masakari", f"{self._masakari.url}/v1"
        )

    def stop(self) -> None:
        if self._masakari is not None:
            self._masakari.stop()
        self.simulator.stop()

    def _values(self, user: str, project: str) -> dict[str, Any]:
        return {
            "auth_url": self.simulator.auth_url,
            "username": user,
            "password": _PASSWORD,
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }

    def connect(self) -> Any:
        """An administrator's connection of openstacksdk."""
        import openstack

        return openstack.connect(
            **self._values("admin", "admin"),
            region_name=REGION,
            load_envvars=False,
            load_yaml_config=False,
            api_timeout=30,
        )

    def environment(self) -> list[tuple[str, str]]:
        """What the ``openstack`` command and masakari-manage go by.

        oslo.config puts the last one before whatever file it finds.
        """
        values = self._values("admin", "admin")
        return [
            *((f"OS_{name.upper()}", text) for name, text in values.items()),
            ("OS_AUTH_TYPE", "password"),
            ("OS_IDENTITY_API_VERSION", "3"),
            ("OS_REGION_NAME", REGION),
            ("OS_DATABASE__CONNECTION", self._conf.database.connection),
        ]
