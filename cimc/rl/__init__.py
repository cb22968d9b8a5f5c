"""The precision search: a TorchRL agent that edits `#cim.precision` attributes, with Brevitas training.

Nothing is here yet. What belongs here: the bridge from `cim` IR to a Brevitas module and back, the
environment whose state is the IR, the agents and their evaluation log. Only this package may import
`torch`, `brevitas` and `torchrl` (the `cimc[search]` extra); the compiler never does.
"""
