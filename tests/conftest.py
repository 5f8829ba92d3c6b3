"""Fixtures for the whole suite: services, real weights, real platforms."""

pytest_plugins = ["tests.services", "tests.weights", "tests.server"]
