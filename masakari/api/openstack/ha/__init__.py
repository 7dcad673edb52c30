# SPDX-License-Identifier: Apache-2.0
"""Names that ``api-paste.ini`` files of deployments use."""

from collections.abc import Mapping

from masakari.api import app, paste, wsgi


class APIRouterV1:
    """The resources below ``/v1``."""

    @classmethod
    def factory(
        cls, global_conf: Mapping[str, str], **local_conf: str
    ) -> wsgi.Application:
        """For PasteDeploy."""
        del global_conf, local_conf
        return app.v1(paste.current())
