"""Built-in targets, as package data."""
