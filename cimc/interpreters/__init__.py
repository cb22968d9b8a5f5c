"""Executes the IR at every level: connects the ops of the dialects with `cimc.runtime`."""
