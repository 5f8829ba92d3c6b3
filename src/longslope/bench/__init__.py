"""Measurements of the platform by itself, each a ratio taken within one run on one machine."""
