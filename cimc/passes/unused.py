"""Removes what nobody uses."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.rewriter import Rewriter
from xdsl.traits import is_side_effect_free


def remove_unused(module: ModuleOp) -> None:
    """Erases ops without effects whose results have no uses; one sweep from the end finds all."""
    for op in reversed(list(module.walk())):
        if op.results and is_side_effect_free(op) and not any(r.uses for r in op.results):
            Rewriter.erase_op(op)
