# SPDX-License-Identifier: Apache-2.0
"""How the Nova client uses HTTP: pages, tokens, time limits, repetitions."""

import concurrent.futures
import contextlib
import datetime
import shutil
import socket
import ssl
import subprocess
import threading
import time
import uuid

import pytest
from keystoneauth1 import loading
from keystoneauth1.identity import generic
from oslo_config import cfg

from masakari import conf as masakari_conf
from masakari import exception, keystone
from masakari.engine import nova_access
from masakari.nova import client, port, session
from masakari.simulator import nova as nova_face
from masakari.simulator import views
from masakari.simulator.cloud import Cloud
from masakari.simulator.http import SimulatorServer
from masakari.simulator.tokens import known_id
from tests.contract.clouds import client_of, until


@pytest.fixture
def cloud():
    made = Cloud(time.time, service_down_time=0.2, report_interval=0.05)
    for name in ("c1", "c2"):
        made.add_host(name, slots=5000)
    return made


@pytest.fixture
def server(cloud):
    with SimulatorServer(cloud, hang_seconds=5) as running:
        yield running


@pytest.fixture
def compute(server):
    return client_of(server, retries=3, timeout=5)


def asked(server, service):
    return sum(
        count
        for (name, _), count in server.requests.items()
        if name == service
    )


def conf_for(server, **values):
    conf = cfg.ConfigOpts()
    masakari_conf.register_opts(conf)
    conf([], default_config_files=[])
    for name, value in {
        "os_privileged_user_auth_url": server.auth_url,
        "os_privileged_user_name": "nova",
        "os_privileged_user_password": "secret",
        "os_privileged_user_tenant": "service",
        **values,
    }.items():
        conf.set_override(name, value)
    return conf


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"os_user_domain_name": "Default"},
        {"os_system_scope": "all"},
        {"nova_catalog_admin_info": "compute:nova:adminURL"},
        {"os_region_name": "RegionOne"},
    ],
)
def test_configured_credentials_work(server, values):
    conf = conf_for(server, **values)
    compute = client.NovaClient.from_conf(conf)
    assert len(compute.compute_services()) == 2


@pytest.mark.parametrize("section", ["nova", "keystone_authtoken"])
def test_an_application_credential_works(server, section):
    conf = conf_for(server)
    loading.register_auth_conf_options(conf, section)
    conf.register_opts(
        loading.get_auth_plugin_conf_options("v3applicationcredential"),
        section,
    )
    for name, value in {
        "auth_type": "v3applicationcredential",
        "auth_url": server.auth_url,
        "application_credential_id": known_id(
            "application_credential", "masakari"
        ),
        "application_credential_secret": "secret",
    }.items():
        conf.set_override(name, value, section)
    if section != "nova":
        conf.set_override("auth_section", section, "nova")
    compute = client.NovaClient.from_conf(conf)
    assert len(compute.compute_services()) == 2
    assert compute.account == "User masakari of project service"


def test_a_wrong_password_names_the_options(server):
    conf = conf_for(server, os_privileged_user_password="wrong")
    with pytest.raises(port.Denied) as caught:
        client.NovaClient.from_conf(conf).compute_services()
    told = str(caught.value)
    assert told.endswith("; see [DEFAULT] os_privileged_user_*")
    assert told.count("os_privileged_user_*") == 1


def test_an_account_that_is_no_administrator(server):
    conf = conf_for(
        server,
        os_privileged_user_name="demo",
        os_privileged_user_tenant="demo",
    )
    with pytest.raises(port.Denied) as caught:
        nova_access.check_nova(client.NovaClient.from_conf(conf))
    assert str(caught.value).startswith(
        "User demo of project demo is no administrator in Nova: it may not "
        "list compute services. Nova: Policy doesn't allow "
    )


def test_an_account_that_does_not_see_hosts(server, cloud, monkeypatch):
    uuid = cloud.create_server("s", "c1").uuid
    compute = client.NovaClient.from_conf(conf_for(server))
    assert nova_access.check_nova(compute)
    monkeypatch.setattr(views, "server_hosts", lambda *_: {})
    for read in (
        compute.any_server,
        lambda: compute.server(uuid),
        lambda: compute.servers_on("c1"),
    ):
        with pytest.raises(port.Denied) as caught:
            read()
        assert str(caught.value) == (
            f"Nova does not tell where server {uuid} is: it shows "
            "OS-EXT-SRV-ATTR:host to administrators alone."
        )
    with pytest.raises(port.Denied) as caught:
        nova_access.check_nova(compute)
    assert str(caught.value).startswith(
        "User nova of project service is no administrator in Nova: it may "
        "not list the servers of all projects with their hosts. "
    )


@pytest.fixture
def stranger(tmp_path):
    """The port of one whose certificate nobody has signed, and that."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("There is no openssl to make a certificate with.")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    options = "-x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=other"
    subprocess.run(
        [openssl, "req", *options.split(), "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as bound:

        def greet():
            while True:
                try:
                    taken, _ = bound.accept()
                except OSError:
                    return
                with taken, contextlib.suppress(OSError):
                    context.wrap_socket(taken, server_side=True).close()

        greeting = threading.Thread(target=greet)
        greeting.start()
        yield bound.getsockname()[1], str(cert)
        bound.shutdown(socket.SHUT_RDWR)
    greeting.join()


@pytest.mark.parametrize(
    "option", ["", "nova_ca_certificates_file", "nova__cafile"]
)
def test_a_certificate_names_the_option_and_the_file(server, stranger, option):
    port_, file = stranger
    url = f"https://localhost:{port_}/v3"
    conf = conf_for(
        server, os_privileged_user_auth_url=url, nova_api_retries=0
    )
    group, _, name = option.rpartition("__")
    shown = "[DEFAULT] nova_ca_certificates_file"
    if option:
        conf.set_override(name, file, group or None)
        shown = f"[{group or 'DEFAULT'}] {name}"
    with pytest.raises(port.Unavailable) as caught:
        client.NovaClient.from_conf(conf).compute_services()
    told = str(caught.value)
    assert "CERTIFICATE_VERIFY_FAILED" in told
    if option:
        assert f"the authorities are those of {shown} = {file}" in told
    else:
        assert f"of the system, {shown} is not set" in told


def test_a_file_that_is_removed_later_is_named_too(server, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("")
    conf = conf_for(
        server,
        os_privileged_user_auth_url="https://127.0.0.1:9/v3",
        nova_ca_certificates_file=str(file),
        nova_api_retries=0,
    )
    compute = client.NovaClient.from_conf(conf)
    file.unlink()
    with pytest.raises(port.Unavailable) as caught:
        compute.compute_services()
    assert f"nova_ca_certificates_file = {file}" in str(caught.value)


def test_a_token_for_the_whole_system_is_named(server, cloud):
    cloud.faults.add("compute_services", 403)
    conf = conf_for(server, os_system_scope="all")
    with pytest.raises(port.Denied) as caught:
        nova_access.check_nova(client.NovaClient.from_conf(conf))
    assert "os_privileged_user_tenant and not os_system_scope" in str(
        caught.value
    )


def test_auth_url_without_version(server):
    url = f"{server.url}/identity"
    conf = conf_for(server, os_privileged_user_auth_url=url)
    compute = client.NovaClient.from_conf(conf)
    assert len(compute.compute_services()) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"os_privileged_user_password": "wrong"},
        {"nova_catalog_admin_info": "compute:other:publicURL"},
        {"os_region_name": "elsewhere"},
    ],
)
def test_wrong_configuration_is_refused(server, values):
    compute = client.NovaClient.from_conf(conf_for(server, **values))
    with pytest.raises(port.Refused) as caught:
        compute.compute_services()
    assert "wrong" not in str(caught.value)


def test_construction_needs_no_network():
    auth = generic.Password(
        auth_url="http://127.0.0.1:1/v3", username="a", password="b"
    )
    credentials = keystone.Credentials(auth=auth)
    compute = client.NovaClient(
        session.Settings(credentials=credentials, retries=0)
    )
    with pytest.raises(port.Unavailable):
        compute.compute_services()


def test_one_login_serves_all_calls(server, compute):
    for _ in range(10):
        compute.compute_services()
    compute.for_claim(f"req-{uuid.uuid4()}").compute_services()
    assert asked(server, "identity") == 2
    assert asked(server, "compute") == 11


def test_all_pages_of_servers(cloud, server, compute, monkeypatch):
    monkeypatch.setattr(nova_face, "MAX_LIMIT", 100)
    made = {cloud.create_server(f"s{n}", "c1").uuid for n in range(250)}
    cloud.create_server("other", "c2")
    found = [s.uuid for s in compute.servers_on("c1")]
    assert len(found) == 250
    assert set(found) == made
    assert server.requests["compute", "GET /v2.1/servers/detail"] == 3


def test_all_pages_of_evacuations(cloud, server, compute, monkeypatch):
    monkeypatch.setattr(nova_face, "MAX_LIMIT", 10)
    made = [cloud.create_server(f"s{n}", "c1").uuid for n in range(25)]
    cloud.kill("c1")
    cloud.compute.force_down(cloud.hosts["c1"].service_id, True)
    for each in made:
        compute.evacuate(each)
    found = compute.evacuations("c1")
    assert [m.instance_uuid for m in found] == made
    assert server.requests["compute", "GET /v2.1/os-migrations"] == 3


def test_version_is_asked_for_once(server, compute):
    for _ in range(3):
        assert compute.evacuates_stopped
        compute.evacuations("c1")
        assert compute.for_claim(None).evacuates_stopped
    assert server.requests["compute", "GET /v2.1/"] == 0
    assert server.requests["compute", "GET /v2.1"] == 1


def test_old_nova(cloud):
    with SimulatorServer(cloud, newest=(2, 53)) as server:
        compute = client_of(server)
        assert not compute.evacuates_stopped
        made = cloud.create_server("s", "c1").uuid
        cloud.kill("c1")
        until(lambda: not compute.compute_service("c1").up, Patient)
        compute.evacuate(made)
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        ago = datetime.timedelta(seconds=10)
        until(lambda: compute.evacuations("c1", now - ago), Patient)
        assert compute.evacuations("c1", now + ago) == []
        with pytest.raises(port.Refused) as caught:
            compute.evacuate(made, stopped=True)
        assert caught.value.code == 406


class Patient:
    patience = 5.0


def test_rejected_token_is_renewed_once_for_all_threads(
    cloud, server, compute
):
    uuids = [cloud.create_server(f"s{n}", "c1").uuid for n in range(64)]
    compute.server(uuids[0])
    barrier = threading.Barrier(64)

    def look(each):
        barrier.wait()
        for _ in range(3):
            compute.server(each)
        return compute.server(each).uuid

    server.tokens.revoke_all()
    before = cloud.counts["authenticate"]
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        assert list(pool.map(look, uuids)) == uuids
    assert cloud.counts["authenticate"] == before + 1


@pytest.mark.parametrize("code", [429, 500, 503])
def test_reads_are_repeated(cloud, compute, code):
    cloud.faults.add("compute_services", code, times=2)
    assert len(compute.compute_services()) == 2
    assert cloud.counts["compute_services"] == 3


def test_reads_are_given_up_in_the_end(cloud, compute):
    cloud.faults.add("compute_services", 503, message="Try later.")
    with pytest.raises(port.Unavailable, match=r"Try later.*503"):
        compute.compute_services()
    assert cloud.counts["compute_services"] == 4


def test_writes_are_not_repeated(cloud, compute):
    made = cloud.create_server("s", "c1").uuid
    cloud.faults.add("stop", 503, times=1)
    with pytest.raises(port.Unavailable):
        compute.stop(made)
    assert cloud.counts["stop"] == 1


def test_retry_after_is_told(cloud, compute):
    made = cloud.create_server("s", "c1").uuid
    cloud.faults.add("stop", 429, retry_after=17)
    with pytest.raises(port.Unavailable) as caught:
        compute.stop(made)
    assert caught.value.retry_after == 17


def test_overloaded_keystone(cloud, compute):
    cloud.faults.add("authenticate", 503, times=1)
    assert len(compute.compute_services()) == 2


def test_calls_have_a_time_limit(cloud, server):
    compute = client_of(server, timeout=0.3, retries=1)
    made = cloud.create_server("s", "c1").uuid
    cloud.faults.add("*", "hang", times=3)
    started = time.monotonic()
    with pytest.raises(port.Unavailable):
        compute.compute_services()
    with pytest.raises(port.Unavailable):
        compute.stop(made)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("code", "in_doubt"),
    [
        (408, True),
        (429, False),
        (500, False),
        (502, True),
        (503, False),
        (504, True),
    ],
)
def test_some_answers_leave_in_doubt_what_was_done(
    cloud, compute, code, in_doubt
):
    made = cloud.create_server("s", "c1").uuid
    cloud.faults.add("stop", code)
    with pytest.raises(port.Unavailable) as caught:
        compute.stop(made)
    assert caught.value.in_doubt is in_doubt


def test_no_answer_leaves_in_doubt_what_was_done(cloud, server):
    compute = client_of(server, timeout=0.3, retries=0)
    made = cloud.create_server("s", "c1").uuid
    compute.compute_services()
    cloud.faults.add("stop", "timeout")
    with pytest.raises(port.Unavailable) as caught:
        compute.stop(made)
    assert caught.value.in_doubt


def test_without_an_answer_of_keystone_nova_was_not_asked(cloud, server):
    compute = client_of(server, timeout=0.3, retries=0)
    made = cloud.create_server("s", "c1").uuid
    cloud.faults.add("authenticate", "hang")
    with pytest.raises(port.Unavailable) as caught:
        compute.stop(made)
    assert not caught.value.in_doubt


def test_without_a_connection_nova_was_not_asked(cloud):
    made = cloud.create_server("s", "c1").uuid
    with SimulatorServer(cloud) as running:
        compute = client_of(running, retries=0, timeout=2)
        compute.compute_services()
    compute._nova.session.session.close()
    with pytest.raises(port.Unavailable) as caught:
        compute.stop(made)
    assert not caught.value.in_doubt


def test_request_id_reaches_nova(server, compute):
    request_id = f"req-{uuid.uuid4()}"
    compute.for_claim(request_id).compute_services()
    assert request_id in server.request_ids
    server.request_ids.clear()
    compute.compute_services()
    assert request_id not in server.request_ids


def test_reason_of_nova_is_kept(cloud, compute):
    made = cloud.create_server("s", "c1").uuid
    cloud.faults.add("stop", 403, message="Policy forbids it.")
    with pytest.raises(port.Refused, match="Policy forbids it") as caught:
        compute.stop(made)
    assert caught.value.code == 403


def test_secrets_do_not_show(cloud, compute):
    made = cloud.create_server("s", "c1").uuid
    cloud.faults.add("stop", 400, message="'adminPass': 'hunter2' is bad")
    with pytest.raises(port.Refused) as caught:
        compute.stop(made)
    assert "hunter2" not in str(caught.value)


def test_nothing_is_sent_when_the_lease_ends_while_a_call_is_prepared(
    server, cloud, compute
):
    """The token is the first thing that is asked for."""
    held = iter((True, False))

    def check():
        if not next(held):
            raise exception.ClaimLost(claim="it")

    made = cloud.create_server("s", "c1").uuid
    with pytest.raises(exception.ClaimLost):
        compute.for_claim("req-1", check).stop(made)
    assert asked(server, "identity") == 1
    assert asked(server, "compute") == 0
    assert len(compute.compute_services()) == 2
