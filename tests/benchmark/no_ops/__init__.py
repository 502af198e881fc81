"""The yardsticks: what answers `/predict` with a constant.

A module with the name of a service's package is the no-op of that service's framework, written as the framework's users
write it: it reads ten numbers and one header, and answers with three fields. Modules named `bare_…` have no framework.
gunicorn reads `worker_class` of each.
"""
