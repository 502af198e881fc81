"""Writes every dashboard: `make dashboards`."""

import sys

from grafana_dashboards.files import write

for path in write():
    sys.stdout.write(f"{path}\n")
