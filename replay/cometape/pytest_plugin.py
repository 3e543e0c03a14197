"""pytest plugin: one marker, one fixture."""
