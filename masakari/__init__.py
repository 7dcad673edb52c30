# SPDX-License-Identifier: Apache-2.0
"""High availability of virtual machines for OpenStack clouds.

Importing any module of this package selects oslo.service's threading
back end, unless the process has selected one already, as a generator of
sample files has. It has to happen before ``oslo_messaging`` is first
imported, which otherwise selects eventlet's.
"""

import sys
import warnings

from oslo_service import backend

# Libraries look whether eventlet is there; nothing of Masakari uses it.
warnings.filterwarnings("ignore", message="\nEventlet is deprecated")

if backend.get_backend_type() is None:
    # Importing it, only to see that it is there, takes a quarter of a second.
    sys.modules.setdefault("eventlet", None)  # type: ignore[arg-type]
    backend.init_backend(backend.BackendType.THREADING)
