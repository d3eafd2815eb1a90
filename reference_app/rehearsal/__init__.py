"""Rehearsals: jobs that only take their time, to measure a deployment with."""
