"""The ONNX operators as torch functions, which have gradients.

An operator is called as the numpy kernel of its name (`cimc.runtime.kernels`): inputs by position,
None for an absent optional one, attributes by their ONNX names (defaults included, if it is to be
exported), and `num_results` where the kernel takes it. It returns the tuple of its outputs. Sizes, axes,
pads and the like are tensors, too, but read as numbers: they must be constants.

The batch may be another than the imported one. Operators of `NEEDS_IMPORTED_SHAPES` also take
`imported`, the shapes that the operands have in the IR. The batch is the first axis: what works along
that axis, such as a Gather, does so across all pictures.

When torch exports (`torch.onnx.export` with `dynamo=False`), an operator becomes the node it was.
Trace with a batch that is not the imported one: only then does the trace show what follows the batch.

Left out, as they do not occur between the layers of a network once its constants are folded:
ConstantOfShape and Shape. Of the optional outputs, those of Attention are there; the mask of Dropout,
the statistics of LayerNormalization and the indices of MaxPool are not.

Raises `ValueError` where inputs and attributes do not go together, or torch's own `RuntimeError`.
"""

from cimc.rl.network.operators import (
    activation,
    attention,
    conv,
    elementwise,
    matmul,
    normalization,
    pooling,
    quantize,
    reduce,
    shape,
)
from cimc.rl.network.operators.export import Operator

OPERATORS: dict[str, Operator] = {
    **activation.OPERATORS,
    **attention.OPERATORS,
    **conv.OPERATORS,
    **elementwise.OPERATORS,
    **matmul.OPERATORS,
    **normalization.OPERATORS,
    **pooling.OPERATORS,
    **quantize.OPERATORS,
    **reduce.OPERATORS,
    **shape.OPERATORS,
}

NEEDS_IMPORTED_SHAPES = frozenset({"Expand", "Flatten", "Reshape", "Squeeze"})
"""The operators that also take `imported`, the shapes of the operands (absent ones left out) in the IR."""
