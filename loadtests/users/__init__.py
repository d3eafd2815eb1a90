"""Locust's users: they run under gevent and know the application by its API only."""
