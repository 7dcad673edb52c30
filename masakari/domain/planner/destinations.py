# SPDX-License-Identifier: Apache-2.0
"""Where the instances of a failed host could go at this moment."""

from collections.abc import Collection, Iterable

from masakari.domain.server import ComputeService


def usable(
    services: Iterable[ComputeService], *, failed: Collection[str]
) -> set[str]:
    """The hosts that Nova may evacuate instances to.

    :param services: all compute services
    :param failed: the host that is recovered, and the other hosts whose
        reported failure is not dealt with yet: Nova may not have noticed
    """
    return {
        service.host
        for service in services
        if service.up and service.enabled and service.host not in failed
    }


def exists(
    services: Iterable[ComputeService],
    *,
    target: str | None,
    failed: Collection[str],
) -> bool:
    """Whether there is any host to evacuate to.

    Nova sets an instance for which it finds no host to ``error``, so it is
    not asked while there can be none.

    :param target: the only host that is wanted; None means any
    :param failed: as in :func:`usable`
    """
    hosts = usable(services, failed=failed)
    return bool(hosts) if target is None else target in hosts
