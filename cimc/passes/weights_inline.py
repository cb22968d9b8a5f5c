"""Pass `weights-inline`."""

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from cimc.context import cimc_context
from cimc.dialects.tensor_types import dense, shape_of, tensor_type
from cimc.dialects.weights import InlineOp, LoadOp
from cimc.interpreters.weights import loaded_array


@dataclass(frozen=True)
class WeightsInlinePass(ModulePass):
    """Shows the values of small arrays in the text, to read them or to write tests.

    Options: `max-elements`: larger arrays stay in their file.

    ```mlir
    %w = weights.load @w : tensor<2xsi4>
    ```
    becomes
    ```mlir
    %w = weights.inline dense<[1, -3]> : tensor<2xsi4>
    ```
    """

    name = "weights-inline"

    max_elements: int = 64

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for load in list(op.walk()):
            if isinstance(load, LoadOp) and prod(shape_of(load.result)) <= self.max_elements:
                array = loaded_array(load, context.tensors)
                inline = InlineOp(dense(array, tensor_type(load.result)))
                inline.location = load.location
                Rewriter.replace_op(load, inline)
