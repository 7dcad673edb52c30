# SPDX-License-Identifier: Apache-2.0

from masakari import context

KEYS = {
    "user", "user_id", "user_name", "project", "project_id", "project_name",
    "domain", "user_domain", "project_domain", "system_scope", "is_admin",
    "is_admin_project", "read_only", "show_deleted", "auth_token",
    "request_id", "global_request_id", "resource_uuid", "roles",
    "user_identity", "read_deleted", "remote_address", "timestamp",
    "service_catalog",
}  # fmt: skip


def test_what_travels_and_arrives():
    sent = context.RequestContext(
        user_id="u",
        user_name="monitor",
        project_id="p",
        roles=["admin"],
        is_admin=True,
        remote_address="192.0.2.1",
        global_request_id="req-1",
    )
    values = sent.to_dict()
    assert set(values) == KEYS
    arrived = context.RequestContext.from_dict({**values, "of_later": 1})
    assert arrived.to_dict() == values


def test_no_token_leaves_the_process():
    sent = context.RequestContext(
        auth_token="Hush",
        service_catalog=[{"type": "compute", "url": "http://Hush"}],
    )
    assert "Hush" not in str(sent.to_dict())
    assert sent.auth_token == "Hush"


def test_a_context_of_another_release():
    arrived = context.RequestContext.from_dict({"user": "u"})
    assert arrived.user_id == "u"
    assert arrived.read_deleted == "no"
    assert arrived.service_catalog == []


def test_masakari_itself_is_an_administrator():
    assert context.admin("req-1").request_id == "req-1"
    assert context.admin().to_policy_values()["is_admin"] is True
