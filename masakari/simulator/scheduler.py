# SPDX-License-Identifier: Apache-2.0
"""Where the simulated Nova puts a server."""

from masakari.simulator.records import HostRecord, State


def room(state: State, host: HostRecord) -> int:
    """How many more servers fit on ``host``."""
    placed = {server.uuid for server in state.servers_of(host.name)}
    return host.slots - len(placed | host.claims)


def choose(
    state: State, *, source: str | None, target: str | None
) -> HostRecord | None:
    """The enabled, running host with the most room; None if there is none.

    :param source: the host to stay away from
    :param target: the only host to consider; None means any
    """
    candidates = [
        host
        for host in state.hosts.values()
        if host.name != source
        and target in (None, host.name)
        and host.enabled
        and state.is_up(host)
        and room(state, host) > 0
    ]
    if not candidates:
        return None
    return min(candidates, key=lambda h: (-room(state, h), h.number))
