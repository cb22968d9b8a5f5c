"""A module of `cim` IR as a torch module."""
