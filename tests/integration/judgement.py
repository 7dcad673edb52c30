# SPDX-License-Identifier: Apache-2.0
"""Nothing that was accepted is lost, and nothing is done twice.

Read from the database itself and from the simulated cloud, so that it does
not matter what of Masakari still runs.
"""

import collections

import sqlalchemy as sa

from masakari.db.tables import Claim, Notification, VMove
from tests.integration.deployment import wait_for
from tests.integration.reports import FINAL


def _statuses(session, uuids):
    query = sa.select(Notification.notification_uuid, Notification.status)
    found = dict(map(tuple, session.execute(query)))
    return {uuid: found.get(uuid, "lost") for uuid in uuids}


def _owners(session):
    query = sa.select(Claim.notification_uuid, Claim.owner)
    held = session.execute(query.where(Claim.expires_at > 0))
    return dict(map(tuple, held))


def _moves(session):
    query = sa.select(VMove.instance_uuid, VMove.status, VMove.dest_host)
    return [tuple(row) for row in session.execute(query)]


def statuses(records, uuids):
    """The status of each notification; ``lost`` when it is not there."""
    return records.read(_statuses, uuids)


def owners(records):
    """Who has claimed each notification that somebody has claimed."""
    return records.read(_owners)


def settled(records, uuids, timeout):
    """Wait until every notification has a final status."""

    def final():
        return FINAL.issuperset(statuses(records, uuids).values())

    try:
        wait_for(final, timeout)
    except AssertionError:
        raise AssertionError(
            f"These have not ended: {statuses(records, uuids)}, claimed by "
            f"{owners(records)}"
        ) from None


def faults(records, cloud, uuids, doomed):
    """Everything that is wrong, in words; nothing when all is well.

    :param uuids: of all notifications that were accepted
    :param doomed: the hosts that have failed
    """
    wrong = [
        f"Notification {uuid} is {status}"
        for uuid, status in statuses(records, uuids).items()
        if status != "finished"
    ]
    wrong += [
        f"Notification {uuid} is still claimed by {owner}"
        for uuid, owner in owners(records).items()
    ]
    wrong += _misplaced(cloud, doomed)
    wrong += _evacuations(cloud)
    wrong += _recorded(records, cloud)
    return wrong


def _misplaced(cloud, doomed):
    return [
        f"{server.name} is {server.vm_state} ({server.task_state}) on "
        f"{server.host}"
        for server in cloud.servers.values()
        if server.host in doomed
        or (server.vm_state, server.task_state) != ("active", None)
    ]


def twice(cloud):
    """The instances of which Nova has accepted more than one evacuation."""
    count = collections.Counter(m.instance_uuid for m in cloud.migrations)
    return [uuid for uuid, number in count.items() if number > 1]


def _evacuations(cloud):
    wrong = [f"{uuid} was evacuated twice" for uuid in twice(cloud)]
    done = {m.instance_uuid for m in cloud.migrations if m.status == "done"}
    return wrong + [
        f"{server.name} was not evacuated"
        for server in cloud.servers.values()
        if server.uuid not in done
    ]


def _recorded(records, cloud):
    """What the vmoves say has to be so, once for each instance."""
    told = collections.Counter(records.read(_moves))
    so = collections.Counter(
        (server.uuid, "succeeded", server.host)
        for server in cloud.servers.values()
    )
    return [
        f"The vmove {move} is there {told[move]} times, not {so[move]}"
        for move in told.keys() | so.keys()
        if told[move] != so[move]
    ]
