# SPDX-License-Identifier: Apache-2.0
extensions = ["openstackdocstheme"]
project = "Instance HA API Reference"
copyright = "OpenStack contributors"
html_theme = "openstackdocs"
html_theme_options = {"sidebar_mode": "toc"}
openstackdocs_repo_name = "openstack/masakari"
openstackdocs_bug_project = "masakari"
openstackdocs_auto_name = False
