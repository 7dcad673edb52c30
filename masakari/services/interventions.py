# SPDX-License-Identifier: Apache-2.0
"""What operators do to notifications when engines do not get on."""

from masakari.db import interventions, session
from masakari.domain import intervention
from masakari.domain.intervention import Refusal

_CHANGED = Refusal("it has changed in this moment; look again")


def retry(
    database: session.Database, uuid: str, *, expiry: float
) -> Refusal | None:
    """Have engines try again at once, also one that they have given up.

    :param expiry: age (seconds) at which engines give notifications up
    :returns: why it was not done; None when it was
    :raises NotificationNotFound: there is none
    :raises ServiceUnavailable: the database is away
    """
    situation = database.read(interventions.situation, uuid)
    decided = intervention.retry(situation, expiry=expiry)
    if isinstance(decided, Refusal):
        return decided
    done = database.write(interventions.retry, situation.notification, decided)
    return None if done else _CHANGED


def release(database: session.Database, uuid: str) -> Refusal | None:
    """Have engines take one at once that nobody works on any more.

    :returns: why it was not done; None when it was
    :raises NotificationNotFound: there is none
    :raises ServiceUnavailable: the database is away
    """
    situation = database.read(interventions.situation, uuid)
    refusal = intervention.release(situation)
    if refusal is not None:
        return refusal
    done = database.write(interventions.release, situation.notification)
    return None if done else _CHANGED
