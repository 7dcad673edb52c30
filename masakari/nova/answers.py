# SPDX-License-Identifier: Apache-2.0
"""Nova's answers in the words of the port."""

import contextlib
import datetime
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import requests
from keystoneauth1 import exceptions as auth_exceptions
from novaclient import exceptions as nova_exceptions
from oslo_utils import strutils

from masakari.domain.server import (
    Aggregate,
    ComputeService,
    Migration,
    Server,
    VMState,
)
from masakari.nova import port

T = TypeVar("T")

_HOST = "OS-EXT-SRV-ATTR:host"
#: Without a connection nothing was sent.
_NOT_CONNECTED = (
    ConnectionRefusedError,
    requests.ConnectTimeout,
    requests.exceptions.SSLError,
    socket.gaierror,
)

#: A resource as Nova sends it.
Fields = Mapping[str, Any]


def _from_status(
    code: int, text: str, retry_after: float | None
) -> port.ComputeError:
    if code in (408, 413, 429) or code >= 500:
        return port.Unavailable(
            text,
            retry_after=retry_after or None,
            in_doubt=code in port.DOUBTFUL,
        )
    return port.Refused(text, code=code)


def _from_nova(error: nova_exceptions.ClientException) -> port.ComputeError:
    text = strutils.mask_password(f"Nova: {error.message} ({error.code})")
    if error.code == 404:
        # Nova says what it has not found; a proxy before it does not.
        if error.message == nova_exceptions.NotFound.message:
            return port.Unavailable(text)
        return port.NotFound(text)
    if error.code == 401 or (error.code == 403 and _is_about_us(error)):
        return port.Denied(text, code=error.code)
    retry_after = getattr(error, "retry_after", None)
    return _from_status(error.code, text, retry_after)


def _is_about_us(error: nova_exceptions.ClientException) -> bool:
    """Whether what is forbidden is so for all servers, and not for one.

    An administrator may read everything; the other words are those of
    oslo.policy as Nova passes them on.
    """
    return error.method == "GET" or "Policy doesn't allow" in error.message


def _from_auth(error: auth_exceptions.ClientException) -> port.ComputeError:
    text = strutils.mask_password(str(error))
    if isinstance(error, auth_exceptions.HttpError):
        retry_after = getattr(error, "retry_after", None)
        text = f"Keystone: {text}"
        answer = _from_status(error.http_status, text, retry_after)
        if isinstance(answer, port.Refused):
            return port.Denied(text, code=answer.code)
        if isinstance(answer, port.Unavailable):
            answer.in_doubt = False
        return answer
    if isinstance(
        error,
        auth_exceptions.ConnectionError | auth_exceptions.DiscoveryFailure,
    ):
        return port.Unavailable(text, in_doubt=_may_have_arrived(error))
    if isinstance(error, auth_exceptions.CatalogException):
        return port.Denied(text, code=404)
    return port.Denied(text, code=401)


def _may_have_arrived(error: auth_exceptions.ClientException) -> bool:
    """Whether Nova may have received a request that got no answer.

    It has not when there was no connection, or when what got no answer was
    a request for a token.
    """
    causes = list(_causes(error))
    for cause in causes:
        request = getattr(cause, "request", None)
        if str(getattr(request, "url", "")).endswith("/auth/tokens"):
            return False
    return not any(isinstance(cause, _NOT_CONNECTED) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What has led to an error, and that itself."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what the libraries raise into the port's errors."""
    try:
        yield
    except nova_exceptions.ClientException as error:
        raise _from_nova(error) from error
    except auth_exceptions.ClientException as error:
        raise _from_auth(error) from error


def _time(text: str) -> datetime.datetime:
    """Naive UTC."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(datetime.UTC).replace(tzinfo=None)


def _understood(read: Callable[[Fields], T]) -> Callable[[Fields], T]:
    """Whatever answers in Nova's place may answer anything."""

    def guarded(fields: Fields) -> T:
        try:
            return read(fields)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise port.Unavailable(
                f"Nova's answer cannot be understood: {error!r}"
            ) from error

    return guarded


@_understood
def server(fields: Fields) -> Server:
    """A server of ``/servers``, as an administrator sees it."""
    if _HOST not in fields and "OS-EXT-STS:vm_state" in fields:
        raise port.Denied(
            f"Nova does not tell where server {fields['id']} is: it shows "
            f"{_HOST} to administrators alone.",
            code=403,
        )
    fault = fields.get("fault") or {}
    vm_state = fields["OS-EXT-STS:vm_state"]
    return Server(
        uuid=fields["id"],
        name=fields["name"],
        host=fields[_HOST] or None,
        hypervisor=fields["OS-EXT-SRV-ATTR:hypervisor_hostname"] or None,
        vm_state=vm_state,
        task_state=fields["OS-EXT-STS:task_state"],
        power_state=fields["OS-EXT-STS:power_state"] or 0,
        metadata=dict(fields["metadata"]),
        locked=fields["locked"],
        fault=fault.get("message") if vm_state == VMState.ERROR else None,
        updated_at=_time(fields["updated"]),
    )


@_understood
def service(fields: Fields) -> ComputeService:
    """A service of ``/os-services``."""
    return ComputeService(
        id=fields["id"],
        host=fields["host"],
        up=fields["state"] == "up",
        enabled=fields["status"] == "enabled",
        disabled_reason=fields.get("disabled_reason"),
        forced_down=bool(fields.get("forced_down")),
    )


@_understood
def migration(fields: Fields) -> Migration:
    """A record of ``/os-migrations``."""
    changed = fields["updated_at"]
    return Migration(
        id=fields["id"],
        instance_uuid=fields["instance_uuid"],
        source_host=fields["source_compute"],
        dest_host=fields["dest_compute"] or None,
        status=fields["status"],
        created_at=_time(fields["created_at"]),
        updated_at=None if changed is None else _time(changed),
    )


@_understood
def aggregate(fields: Fields) -> Aggregate:
    """An aggregate of ``/os-aggregates``."""
    return Aggregate(
        id=fields["id"], name=fields["name"], hosts=tuple(fields["hosts"])
    )
