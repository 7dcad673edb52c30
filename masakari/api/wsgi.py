# SPDX-License-Identifier: Apache-2.0
"""The types of WSGI, and calling what WebOb builds."""

from collections.abc import Callable, Iterable
from typing import Any

import webob

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Middleware = Callable[[Application], Application]


def respond(
    response: webob.Response, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Send ``response``, whose type WebOb leaves open."""
    body: Iterable[bytes] = response(environ, start_response)
    return body
