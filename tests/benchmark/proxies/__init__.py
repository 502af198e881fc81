"""Proxies that `lab tap` is measured beside."""
