"""Throughput of a deployment against replicas x concurrency, measured."""
