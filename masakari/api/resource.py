# SPDX-License-Identifier: Apache-2.0
"""URLs as a tree of resources, and what each operation on one requires.

A resource has a method for each action that exists. The tree is walked by
the names in a path; everything that a caller must fulfil stands in the one
line of :func:`operation` above the method.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import pecan
import webob
import webob.exc
from webob import multidict

from masakari import policy
from masakari.api import faults, requests, schema, versions
from masakari.context import RequestContext
from masakari.services.environment import Services

_COLLECTION = {"GET": "index", "POST": "create"}
_MEMBER = {"GET": "show", "PUT": "update", "DELETE": "delete"}

#: What :mod:`auth` and the hooks put into a request's environment.
ENFORCER = "masakari.enforcer"
SERVICES = "masakari.services"
CONTEXT = "masakari.context"
VERSION = "masakari.version"

_HANDLER = "masakari.handler"
_QUERY = "masakari.query"

Method = TypeVar("Method", bound=Callable[..., object])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as an operation sees it, with all its conditions met.

    :param permits: whether a policy rule holds for the caller
    :param root: URL of version 1, without a slash at its end
    """

    context: RequestContext
    services: Services
    version: versions.Version
    query: multidict.MultiDict
    body: Any
    permits: Callable[[str], bool]
    root: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What an operation requires, and what it answers.

    :param rule: the policy rule; None when everybody may
    :param body: what the body has to be; None when there is none
    :param query: JSON schemas of the parameters it reads
    :param status: of the answer when it succeeds
    :param response: schema of that answer; None when it is empty
    :param errors: statuses of the answers when it does not
    """

    rule: str | None
    body: schema.Versioned | None = None
    query: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    status: int = 200
    response: Mapping[str, Any] | None = None
    errors: tuple[int, ...] = ()


def operation(rule: str | None, **declared: Any) -> Callable[[Method], Method]:
    """Declare the method below as an :class:`Operation`."""

    def declare(method: Method) -> Method:
        method.operation = Operation(  # type: ignore[attr-defined]
            rule=rule, **declared
        )
        return method

    return declare


class Resource:
    """One URL. A subclass has a method for each action of :attr:`actions`.

    :param path: the variables of the path that led here
    """

    actions: ClassVar[Mapping[str, str]] = {}
    below: ClassVar[Mapping[str, type["Resource"]]] = {}
    member: ClassVar[type["Resource"] | None] = None
    variable: ClassVar[str] = ""

    def __init__(self, path: Mapping[str, str]) -> None:
        self.path = path

    def child(self, name: str) -> "Resource | None":
        """What lies below under ``name``."""
        if name in self.below:
            return self.below[name](self.path)
        if self.member is None:
            return None
        return self.member({**self.path, self.member.variable: name})

    def routed(self, method: str) -> str | None:
        """What the HTTP method means here; None when nothing is routed."""
        return self.actions.get(method)

    @pecan.expose(content_type=requests.MEDIA_TYPES[0])
    def serve(
        self, request: webob.Request, response: webob.Response
    ) -> webob.Response:
        """Carry out the operation that the request was routed to."""
        del response
        method = request.environ[_HANDLER]
        declared: Operation = method.operation
        call = _call(request)
        # Who may not do something does not learn what it would take.
        if declared.rule is not None:
            policy.authorize(
                request.environ[ENFORCER], call.context, declared.rule
            )
        if declared.body is not None:
            declared.body.check(call.body, call.version)
        content = method(call)
        if content is None:
            return webob.Response(status=declared.status, content_type=None)
        return webob.Response(
            status=declared.status,
            json_body=content,
            content_type=requests.accepted_type(request),
            charset=None,
        )


class Collection(Resource):
    actions = _COLLECTION


class Member(Resource):
    """An item of a collection; :attr:`variable` holds its id."""

    actions = _MEMBER

    def child(self, name: str) -> Resource | None:
        if name == "edit":
            return _Unsupported({"GET": "edit"})
        if name == "action":
            return _Unsupported({"POST": "action"})
        return super().child(name)

    def routed(self, method: str) -> str | None:
        if method == "GET" and self.path[self.variable] == "new":
            return "new"
        return super().routed(method)


class _Unsupported(Resource):
    """Routed for the sake of its answer: 405 rather than 404."""

    def __init__(self, actions: Mapping[str, str]) -> None:
        super().__init__({})
        self._actions = actions

    def routed(self, method: str) -> str | None:
        return self._actions.get(method)


def route(root: Resource, path: list[str], request: webob.Request) -> Any:
    """Find the resource of a path and check what needs no operation.

    :param path: the parts of the path, of which an empty last one means a
        slash at its end
    :returns: what Pecan is to call
    :raises HTTPNotFound: nothing is routed there
    :raises Fault: for a version, media type, method or body that will not do
    """
    resource = _find(root, path)
    action = None if resource is None else resource.routed(request.method)
    if resource is None or action is None:
        raise webob.exc.HTTPNotFound()
    version = versions.negotiate(request.headers)
    request.environ[VERSION] = version
    requests.check_content_type(request)
    handler = getattr(resource, action, None)
    if handler is None:
        raise _not_allowed(resource, request.method, action)
    request.environ[_HANDLER] = handler
    request.environ[_QUERY] = requests.query(request)
    with_body = request.method in ("POST", "PUT")
    request.environ[faults.BODY] = (
        requests.body(request) if with_body else None
    )
    _check_project(resource, request)
    # Which type an answer has is not for Pecan to say.
    request.pecan["content_type"] = requests.MEDIA_TYPES[0]
    return resource.serve


def operations(
    root: type[Resource], prefix: str = ""
) -> Iterator[tuple[str, str, Operation]]:
    """Every operation as (method, path, operation), in the tree's order."""
    for method, action in root.actions.items():
        declared = getattr(getattr(root, action, None), "operation", None)
        if declared is not None:
            yield method, prefix or "/", declared
    for name, below in root.below.items():
        yield from operations(below, f"{prefix}/{name}")
    if root.member is not None:
        variable = f"{{{root.member.variable}}}"
        yield from operations(root.member, f"{prefix}/{variable}")


def summary(root: type[Resource], path: str, method: str) -> str:
    """The first sentence about an operation, from its docstring."""
    resource = root
    for name in filter(None, path.split("/")):
        below = resource.below.get(name) or resource.member
        if below is None:
            raise KeyError(path)
        resource = below
    handler = getattr(resource, resource.actions[method])
    return (inspect.getdoc(handler) or "").partition("\n")[0]


def _find(root: Resource, path: list[str]) -> Resource | None:
    names = [name for name in path if name]
    if names and not path[-1]:
        return None
    if names:
        names[-1] = names[-1].removesuffix(".json")
    resource: Resource | None = root
    for name in names:
        if resource is None:
            break
        resource = resource.child(name)
    return resource


def _not_allowed(resource: Resource, method: str, action: str) -> faults.Fault:
    allowed = [
        verb
        for verb, name in resource.actions.items()
        if verb != method and hasattr(resource, name)
    ]
    return faults.Fault(
        405,
        f"The request method: '{method}' with action: '{action}' is not "
        "allowed on this resource",
        headers={"Allow": ", ".join(allowed)},
    )


def _check_project(resource: Resource, request: webob.Request) -> None:
    of_url = resource.path.get("project_id")
    of_caller = request.environ[CONTEXT].project_id
    if of_url is not None and of_url != of_caller:
        raise faults.Fault(
            400,
            f"Malformed request URL: URL's project_id '{of_url}' doesn't "
            f"match Context's project_id '{of_caller}'",
        )


def _call(request: webob.Request) -> Call:
    environ = request.environ
    context: RequestContext = environ[CONTEXT]
    services: Services = environ[SERVICES]
    return Call(
        context=context,
        services=services,
        version=environ[VERSION],
        query=environ[_QUERY],
        body=environ[faults.BODY],
        permits=lambda rule: policy.permits(environ[ENFORCER], context, rule),
        root=versions.root_url(request, services.settings.link_prefix),
    )
