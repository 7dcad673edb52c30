# SPDX-License-Identifier: Apache-2.0
"""Names that ``api-paste.ini`` files of deployments use."""

from collections.abc import Mapping

from masakari.api import paste, versions


class Versions(versions.Versions):
    """What lies beside version 1."""

    @classmethod
    def factory(
        cls, global_conf: Mapping[str, str], **local_conf: str
    ) -> "Versions":
        """For PasteDeploy."""
        del global_conf, local_conf
        return cls(paste.current().services.settings.link_prefix)
