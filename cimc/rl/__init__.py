"""The precision search: TorchRL agents that edit `#cim.precision` attributes, with Brevitas training.

`problem.py` builds what is searched from files, `search.py` goes through it, `agents` propose, `network` is
the torch side. Only this package imports `torch`, `brevitas` and `torchrl` (the `cimc[search]` extra); the
compiler never does.
"""
