"""Grafana's dashboards: `make dashboards` writes them to monitoring/grafana/dashboards, where Grafana reads them."""
