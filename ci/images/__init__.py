"""Images for a machine without a registry, made of its own binaries."""
