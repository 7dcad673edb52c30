# SPDX-License-Identifier: Apache-2.0
"""What an application lacks is refused when it is put together."""

import socket

import pytest

from masakari import exception
from masakari.api import app
from tests.functional.api.world import COMPUTES, World, message, send

USER = {
    "os_privileged_user_auth_url": "http://127.0.0.1:9/v3",
    "os_privileged_user_name": "masakari",
    "os_privileged_user_password": "Hush",
    "os_privileged_user_tenant": "service",
}


@pytest.fixture
def load(tmp_path):
    """Put an application together as the programs do."""
    made = []

    def begin(**options):
        given = {"transport_url": "fake://"} | options
        world = World(tmp_path)
        made.append(world)
        world = World(tmp_path, **given)
        made.append(world)
        return app.load(world.conf), world.segment()

    yield begin
    for world in made:
        world.close()


def add_host(application, segment):
    host = {
        "name": COMPUTES[0],
        "type": "COMPUTE",
        "control_attributes": "SSH",
    }
    url = f"/v1/segments/{segment['uuid']}/hosts"
    return send(application, "POST", url, {"host": host})


def test_without_a_user_in_nova_no_host_can_be_added(load, caplog):
    application, segment = load()
    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.getMessage().startswith("No host can be added or renamed: ")
    ]
    assert "[nova] auth_type" in line
    assert "[DEFAULT] os_privileged_user_auth_url" in line
    answer = add_host(application, segment)
    assert answer.status_int == 503
    assert "not available" in message(answer)


@pytest.mark.parametrize(
    "option", [name for name in USER if not name.endswith("tenant")]
)
def test_half_a_user_in_nova_is_refused(load, option):
    given = {name: value for name, value in USER.items() if name != option}
    with pytest.raises(exception.ConfigurationError) as raised:
        load(**given)
    assert f"set [DEFAULT] {option}." in str(raised.value)


def test_a_nova_that_says_nothing_holds_nobody_for_ever(load):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        application, segment = load(
            **USER
            | {
                "os_privileged_user_auth_url": f"http://127.0.0.1:{port}",
                "nova_api_timeout": 1,
            }
        )
        assert add_host(application, segment).status_int == 503


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"transport_url": "rabbit://u:Hu#sh@h/"},
            "[DEFAULT] transport_url cannot be used: ",
        ),
        (
            {"transport_url": "kafka://u:Hush@h/"},
            "needs the Python package confluent-kafka",
        ),
        (
            {
                "oslo_messaging_notifications__driver": "messagingv2",
                "oslo_messaging_notifications__transport_url": "rabbit://u:1/"
                "Hush@h",
            },
            "[oslo_messaging_notifications] transport_url cannot be used: ",
        ),
        (
            {"oslo_messaging_notifications__driver": "messagingv3"},
            "[oslo_messaging_notifications] driver cannot be used: ",
        ),
        (
            {"oslo_policy__policy_file": __file__},
            f"The policy file {__file__} cannot be read: ",
        ),
    ],
)
def test_what_will_never_do_is_refused(load, options, told):
    with pytest.raises(exception.ConfigurationError) as raised:
        load(**options)
    assert told in str(raised.value)
    assert "Hush" not in str(raised.value)
