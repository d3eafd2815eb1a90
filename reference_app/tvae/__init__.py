"""A generative model of machine telemetry: seed data, training, synthetic data."""
