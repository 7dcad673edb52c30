# SPDX-License-Identifier: Apache-2.0
"""The rules that the others are made of."""

from oslo_policy import policy

ADMIN_API = "rule:admin_api"
ANYBODY = "@"

RULES = [
    policy.RuleDefault(
        "context_is_admin",
        "role:admin",
        description="Decides whether the caller is an administrator.",
    ),
    policy.RuleDefault(
        "admin_or_owner",
        "is_admin:True or project_id:%(project_id)s",
        description="Administrators, and members of the caller's project.",
    ),
    policy.RuleDefault(
        "admin_api",
        "is_admin:True",
        description="Administrators only; the default of most rules.",
    ),
]


def discoverable(alias: str, check: str = ADMIN_API) -> policy.RuleDefault:
    """The rule that lets a caller see ``alias`` among the extensions."""
    return policy.DocumentedRuleDefault(
        f"os_masakari_api:{alias}:discoverable",
        check,
        f"See the extension {alias} in the list of extensions.",
        [
            {"method": "GET", "path": "/extensions"},
            {"method": "GET", "path": "/extensions/{alias}"},
        ],
    )


def operation(
    name: str, description: str, method: str, path: str, check: str = ADMIN_API
) -> policy.RuleDefault:
    """The rule ``os_masakari_api:<name>`` of one operation.

    :param path: below ``/v1`` or ``/v1/{project_id}``
    """
    return policy.DocumentedRuleDefault(
        f"os_masakari_api:{name}",
        check,
        description,
        [{"method": method, "path": path}],
    )
