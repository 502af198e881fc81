"""Writes the manifests: `make manifests`."""

import sys

from serving_lab.project import Project

from kubernetes_manifests.files import write

for path in write(Project.find()):
    sys.stdout.write(f"{path}\n")
