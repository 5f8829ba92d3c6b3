"""Fixtures for the whole suite: the services are in tests/services.py."""

pytest_plugins = ["tests.services"]
