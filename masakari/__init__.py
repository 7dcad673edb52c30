# SPDX-License-Identifier: Apache-2.0
"""High availability of virtual machines for OpenStack clouds.

Importing any module of this package selects oslo.service's threading
back end. It has to happen before ``oslo_messaging`` is first imported,
which otherwise selects eventlet's.
"""

from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)
