"""The load generator for measurements: one asyncio process a core, one clock, every answer checked, every sample kept.

Locust is for realistic, interactive load; it cannot send an open loop, and costs more CPU a request than the services.
"""
