"""Pictures of the dashboards, drawn without a Grafana: by its own components from npm, in a real browser."""
