# SPDX-License-Identifier: Apache-2.0

import pytest
import webob

from masakari.api import faults, versions


def test_the_history_has_no_gaps():
    known = [versions.parse(version) for version, _ in versions.HISTORY]
    assert known == [versions.Version(1, minor) for minor in range(len(known))]


def negotiated(text):
    return str(versions.negotiate({"OpenStack-API-Version": text}))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("instance-ha 1.3", "1.3"),
        ("INSTANCE-HA   1.3 ", "1.3"),
        ("instance-ha latest", versions.MAXIMUM),
        ("instance-ha 1.3, instance-ha 1.1", "1.1"),
        ("compute 2.95", "1.0"),
        ("1.3", "1.0"),
        ("", "1.0"),
    ],
)
def test_what_is_asked_for(text, version):
    assert negotiated(text) == version


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "1",
        "0.9",
        "1.01",
        "1.-1",
        "1.2.3",
        "1.3 1.2",
        "\u0661.\u0663",
        "LATEST",
    ],
)
def test_what_is_no_version(text):
    with pytest.raises(faults.Fault) as caught:
        negotiated(f"instance-ha {text}")
    assert (caught.value.code, caught.value.headers) == (400, {})
    assert text in caught.value.message


@pytest.mark.parametrize("text", ["1.4", "2.0", "1." + "9" * 5000])
def test_what_is_not_there(text):
    with pytest.raises(faults.Fault) as caught:
        negotiated(f"instance-ha {text}")
    assert caught.value.code == 406
    assert caught.value.headers == {
        "OpenStack-API-Version": f"instance-ha {text}",
        "Vary": "OpenStack-API-Version",
    }


@pytest.mark.parametrize(
    ("prefix", "url"),
    [
        (None, "http://host:1/ha"),
        ("https://a/b", "https://a/b/ha"),
        ("https://a/b/", "https://a/b/ha"),
        ("https://a", "https://a/ha"),
    ],
)
def test_a_link_prefix(prefix, url):
    request = webob.Request.blank(
        "/v1", environ={"SCRIPT_NAME": "/ha", "HTTP_HOST": "host:1"}
    )
    assert versions.root_url(request, prefix) == url
