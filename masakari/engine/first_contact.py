# SPDX-License-Identifier: Apache-2.0
"""Ask Nova, before a host dies, for what its recovery will ask.

Nothing else needs Nova until then, and that is too late to find out that a
password is wrong, or that the user is no administrator. Whatever the answer,
the engine starts and works.
"""

import logging
import threading
from collections.abc import Sequence

from masakari import exception
from masakari.domain.server import ComputeService
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
    """Say in the log whether Nova does what recoveries need."""
    try:
        services = check(compute)
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


def check(compute: ComputePort) -> Sequence[ComputeService]:
    """Ask once for each kind of thing that recoveries ask for.

    :returns: the compute services
    :raises Unavailable: Nova, or Keystone, does not answer
    :raises Denied: Masakari's user may not do it, with the reason
    """
    wanted = "compute services"
    try:
        services = compute.compute_services()
        wanted = "the servers of all projects with their hosts"
        compute.any_server()
        if services:
            wanted = "migrations"
            compute.evacuations(services[0].host)
        wanted = "aggregates"
        compute.aggregates()
    except port.Denied as error:
        if error.code != 403:
            raise
        raise port.Denied(
            f"{compute.account} is no administrator in Nova: it may not list "
            f"{wanted}. {error}",
            code=error.code,
        ) from error
    return services
