# SPDX-License-Identifier: Apache-2.0
"""Ask Nova once, before a host dies.

Nothing else needs Nova until then, and that is too late to find out that a
password is wrong. Whatever the answer, the engine starts and works.
"""

import logging
import threading

from masakari import exception
from masakari.nova import port
from masakari.nova.port import ComputePort

LOG = logging.getLogger(__name__)


def begin(compute: ComputePort) -> threading.Thread:
    """Ask in a thread of its own, which nobody has to wait for."""
    asking = threading.Thread(
        target=ask, args=(compute,), name="first-contact", daemon=True
    )
    asking.start()
    return asking


def ask(compute: ComputePort) -> None:
    """Say in the log whether Nova does what recoveries begin with."""
    try:
        services = compute.compute_services()
    except port.Unavailable as error:
        LOG.warning(
            "Nova cannot be reached, and no host can be recovered before it "
            "is: %s",
            error,
        )
    except exception.MasakariException as error:
        LOG.error(
            "Nova does not let Masakari in, and no host can be recovered "
            "before that is put right: %s",
            error,
        )
    else:
        up = sum(service.up for service in services)
        LOG.info(
            "Nova answers: it has %d compute services, %d of them up",
            len(services),
            up,
        )
