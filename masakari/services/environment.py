# SPDX-License-Identifier: Apache-2.0
"""What a use case needs of the world, handed to it in one piece."""

import dataclasses
import datetime
import functools
from collections.abc import Callable
from typing import Any, Protocol

from oslo_config import cfg

from masakari.context import RequestContext
from masakari.db import progress, session
from masakari.domain import model
from masakari.events.publisher import Publisher
from masakari.nova import port

#: The open transaction that functions of :mod:`masakari.db` work in.
Session = Any

#: A port to Nova, or what makes one.
Compute = port.ComputePort | Callable[[], port.ComputePort]


class EngineClient(Protocol):
    """How the engines are woken."""

    def process_notification(
        self, context: RequestContext, notification: model.Notification
    ) -> None:
        """Tell an engine of new work; never blocks, never fails."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options that requests depend on.

    :param max_limit: the most items that one answer lists
    :param link_prefix: base URL for the links of version documents
    :param duplicate_interval: how much older than a new notification one
        may be that it repeats
    :param time_tolerance: how far in the future one may be dated
    """

    max_limit: int = 1000
    link_prefix: str | None = None
    duplicate_interval: datetime.timedelta = datetime.timedelta(seconds=180)
    time_tolerance: datetime.timedelta = datetime.timedelta(seconds=300)

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> "Settings":
        return cls(
            max_limit=conf.osapi_max_limit,
            link_prefix=conf.osapi_masakari_link_prefix,
            duplicate_interval=datetime.timedelta(
                seconds=conf.duplicate_notification_detection_interval
            ),
            time_tolerance=datetime.timedelta(
                seconds=conf.generated_time_tolerance
            ),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of every use case.

    :param compute: gives the port to Nova when it is needed first
    :param events: where the message bus is told of changes
    :param workflows: where TaskFlow keeps its logbooks
    """

    database: session.Database
    workflows: session.Database
    compute: Callable[[], port.ComputePort]
    engine_client: EngineClient
    events: Publisher
    settings: Settings

    @classmethod
    def from_conf(
        cls,
        conf: cfg.ConfigOpts,
        *,
        database: session.Database,
        compute: Compute,
        engine_client: EngineClient,
        events: Publisher,
    ) -> "Services":
        """These collaborators, with the settings of ``conf``."""
        return cls(
            database=database,
            workflows=progress.database(conf, database),
            compute=_once(compute),
            engine_client=engine_client,
            events=events,
            settings=Settings.from_conf(conf),
        )


def _once(compute: Compute) -> Callable[[], port.ComputePort]:
    if callable(compute):
        return functools.lru_cache(maxsize=1)(compute)
    return lambda: compute
