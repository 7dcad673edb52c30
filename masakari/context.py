# SPDX-License-Identifier: Apache-2.0
"""Who asks for something, and under which request id."""

import datetime
from collections.abc import MutableMapping
from typing import Any, Self

from oslo_context import context


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


class RequestContext(context.RequestContext):
    """oslo.context's request context with what Masakari puts on the bus.

    :param remote_address: the client's address; None when there is none
    :param timestamp: when the request came, ``YYYY-MM-DDTHH:MM:SS.ffffff``
        in UTC; None takes the current time
    :param service_catalog: entries of the caller's catalogue
    :param read_deleted: kept for other releases; always ``no``
    """

    FROM_DICT_EXTRA_KEYS = [  # noqa: RUF012
        "read_deleted",
        "remote_address",
        "timestamp",
        "service_catalog",
    ]

    def __init__(
        self,
        *args: Any,
        remote_address: str | None = None,
        timestamp: str | None = None,
        service_catalog: list[dict[str, Any]] | None = None,
        read_deleted: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.remote_address = remote_address
        self.timestamp = timestamp or _now()
        self.service_catalog = service_catalog or []
        self.read_deleted = read_deleted or "no"

    def to_dict(self) -> dict[str, Any]:
        """The form in which the context travels over RPC: without secrets.

        An engine acts in its own name, and whoever reads the bus could act
        in the caller's.
        """
        return {
            **super().to_dict(),
            "auth_token": None,
            "user_id": self.user_id,
            "user_name": self.user_name,
            "project_name": self.project_name,
            "read_deleted": self.read_deleted,
            "remote_address": self.remote_address,
            "timestamp": self.timestamp,
            "service_catalog": [],
        }

    def redacted_copy(self, **kwargs: Any) -> Self:
        """What everybody on the bus may see: no token, no catalogue."""
        copy = super().redacted_copy(**kwargs)
        copy.remote_address = self.remote_address
        copy.timestamp = self.timestamp
        return copy

    def to_policy_values(self) -> MutableMapping[str, Any]:
        """What policy rules may ask about the caller."""
        return {
            **super().to_policy_values(),
            "is_admin": bool(self.is_admin),
        }


def admin(request_id: str | None = None) -> RequestContext:
    """Masakari itself, acting on its own account.

    :param request_id: the request that this continues; None makes a new id
    """
    return RequestContext(
        is_admin=True, request_id=request_id, overwrite=False
    )
