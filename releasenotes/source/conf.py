# SPDX-License-Identifier: Apache-2.0
extensions = ["openstackdocstheme", "reno.sphinxext"]
project = "Masakari Release Notes"
copyright = "OpenStack contributors"
html_theme = "openstackdocs"
openstackdocs_repo_name = "openstack/masakari"
openstackdocs_bug_project = "masakari"
openstackdocs_auto_name = False
