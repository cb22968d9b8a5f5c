"""What is printed reads back as the same: an observer for compilations."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.context import new_context
from cimc.ir_files import parse_module, print_module
from cimc.pipelines import LAST_CHOICE

LEVELS = ("onnx-fold-constants", *LAST_CHOICE, "convert-cim-to-xbar")
"""The passes that end the levels."""


def check_round_trip(done: ModulePass | None, module: ModuleOp) -> None:
    """Asserts that the module prints the same after it was printed and parsed, at the end of each level."""
    if done is None or done.name not in LEVELS:
        return
    text = print_module(module)
    assert print_module(parse_module(new_context(), text, done.name)) == text
