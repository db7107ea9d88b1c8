"""Finds connection-pool faults before they reach production."""

__version__ = "0.1.0"
