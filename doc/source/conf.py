# SPDX-License-Identifier: Apache-2.0
extensions = [
    "openstackdocstheme",
    "oslo_config.sphinxconfiggen",
    "oslo_config.sphinxext",
    "oslo_policy.sphinxext",
    "oslo_policy.sphinxpolicygen",
]

project = "Masakari"
copyright = "OpenStack contributors"

html_theme = "openstackdocs"
html_static_path = ["_static"]
openstackdocs_repo_name = "openstack/masakari"
openstackdocs_bug_project = "masakari"
openstackdocs_auto_name = False

_etc = "../../etc/masakari"
config_generator_config_file = [
    (f"{_etc}/masakari-config-generator.conf", "_static/masakari"),
    (
        f"{_etc}/masakari-customized-recovery-flow-config-generator.conf",
        "_static/masakari-custom-recovery-methods",
    ),
]
policy_generator_config_file = f"{_etc}/masakari-policy-generator.conf"
sample_policy_basename = "_static/masakari"
