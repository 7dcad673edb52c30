# SPDX-License-Identifier: Apache-2.0
"""Which application answers under which prefix of the URL.

``api-paste.ini`` files name :func:`urlmap_factory`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import webob
from paste import urlmap

from masakari.api import faults, wsgi

_VERSION = re.compile(
    r"\s*application/(?:vnd\.openstack\.masakari\+)?json\s*"
    r"(?:;[^,]*)?;\s*version\s*=\s*\"?([0-9]{1,9})\"?\s*(?:[;,]|$)"
)

_ABSOLUTE = re.compile(r"\Ahttps?://[^/]*", re.IGNORECASE)


class URLMap(urlmap.URLMap):  # type: ignore[misc]
    """Paste's map, which also heeds a version asked for as a media type.

    ``Accept: application/json;version=1`` stands for the prefix ``/v1``
    where the path has none.

    :param not_found_app: answers where nothing is mounted
    """

    def __init__(self, not_found_app: wsgi.Application | None = None) -> None:
        super().__init__(not_found_app or _nowhere)

    def __call__(
        self, environ: wsgi.Environ, start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"] = _path(environ.get("PATH_INFO", ""))
        if not _is_utf8(path):
            fault = faults.Fault(400, "Malformed request URL: not UTF-8")
            answer = faults.response(fault, environ)
            return wsgi.respond(answer, environ, start_response)
        version = self._version(environ)
        if version is not None:
            prefix, application = version
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
            return application(environ, start_response)
        answer_body: Iterable[bytes] = super().__call__(
            environ, start_response
        )
        return answer_body

    def _version(
        self, environ: wsgi.Environ
    ) -> tuple[str, wsgi.Application] | None:
        path = self.normalize_url(environ.get("PATH_INFO", ""), False)[1]
        mounted = {url: app for (domain, url), app in self.applications}
        if any(_lies_under(path, url) for url in mounted if url):
            return None
        for header in ("HTTP_ACCEPT", "CONTENT_TYPE"):
            for part in environ.get(header, "").split(","):
                found = _VERSION.match(part)
                prefix = f"/v{found[1]}" if found else ""
                if prefix and prefix in mounted:
                    environ["PATH_INFO"] = path
                    return prefix, mounted[prefix]
        return None


def urlmap_factory(
    loader: Any, global_conf: Mapping[str, Any], **local_conf: Any
) -> URLMap:
    """For PasteDeploy: each key is a path expression, each value an app."""
    fallback = local_conf.pop(
        "not_found_app", global_conf.get("not_found_app")
    )
    if fallback:
        fallback = loader.get_app(fallback, global_conf=global_conf)
    mapped = URLMap(not_found_app=fallback)
    for expression, name in local_conf.items():
        path = urlmap.parse_path_expression(expression)
        mapped[path] = loader.get_app(name, global_conf=global_conf)
    return mapped


def _nowhere(
    environ: wsgi.Environ, start_response: wsgi.StartResponse
) -> Iterable[bytes]:
    answer = faults.not_routed(webob.Request(environ))
    return wsgi.respond(answer, environ, start_response)


def _path(target: str) -> str:
    """The path that a request's target means.

    Servers hand on what clients send: an absolute URL, as for a proxy, or
    an empty part in front, where an endpoint's URL ends with a slash.
    """
    if not target:
        return ""
    return "/" + _ABSOLUTE.sub("", target).lstrip("/")


def _lies_under(path: str, url: str) -> bool:
    return path == url or path.startswith(f"{url}/")


def _is_utf8(path: str) -> bool:
    try:
        path.encode("latin-1").decode()
    except UnicodeError:
        return False
    return True
