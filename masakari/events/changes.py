# SPDX-License-Identifier: Apache-2.0
"""A change of a record, told by its start and its end, or its failure.

Checks and writing are one transaction, which may be repeated, and what is
refused by a check is not told. So both are told when it is known how the
transaction ended.
"""

import contextlib
import dataclasses
from collections.abc import Iterator

from masakari.context import RequestContext
from masakari.events import payloads
from masakari.events.payloads import Payload
from masakari.events.publisher import Phase, Publisher


@dataclasses.dataclass(slots=True)
class Change:
    """What is told of a change.

    :param wanted: what is about to be written; None until that is sure, and
        again when a transaction is repeated, whose checks may now refuse
    :param done: what has been written
    """

    wanted: Payload | None = None
    done: Payload | None = None


@contextlib.contextmanager
def told(
    publisher: Publisher, context: RequestContext, action: str
) -> Iterator[Change]:
    """Tell of the change that is made within.

    :param action: as in ``segment.create``
    """
    change = Change()
    try:
        yield change
    except Exception as error:
        if change.wanted is not None:
            publisher.emit(context, action, Phase.START, change.wanted)
            publisher.emit(
                context,
                action,
                Phase.ERROR,
                payloads.with_fault(change.wanted, error),
            )
        raise
    if change.wanted is not None:
        publisher.emit(context, action, Phase.START, change.wanted)
        publisher.emit(
            context, action, Phase.END, change.done or change.wanted
        )
