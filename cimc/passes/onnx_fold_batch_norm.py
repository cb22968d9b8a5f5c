"""Pass `onnx-fold-batch-norm`."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from cimc.context import CimcContext, cimc_context
from cimc.dialects.onnx.conv import ConvOp
from cimc.dialects.onnx.normalization import BatchNormalizationOp
from cimc.dialects.weights import LoadOp
from cimc.passes.builder import Builder
from cimc.passes.constants import constant
from cimc.passes.unused import remove_unused


@dataclass(frozen=True)
class OnnxFoldBatchNormPass(ModulePass):
    """Folds a BatchNormalization into the convolution before it, if that has float weights.

    With factor = scale / sqrt(variance + epsilon) for each channel (the definition of BatchNormalization),
    weights become weights * factor and the bias (bias - mean) * factor + shift. A convolution whose
    weights are quantised in the file keeps its BatchNormalization, so that its codes stay what they are.

    ```mlir
    %c = onnx.Conv(%x, %w) : …
    %y = onnx.BatchNormalization(%c, %scale, %shift, %mean, %variance) : …
    ```
    becomes
    ```mlir
    %y = onnx.Conv(%x, %w1, %b) : …
    ```
    """

    name = "onnx-fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for norm in list(op.walk()):
            if isinstance(norm, BatchNormalizationOp):
                _fold(context, norm)
        remove_unused(op)


def _fold(ctx: CimcContext, norm: BatchNormalizationOp) -> None:
    conv = norm.operands[0].owner
    if not isinstance(conv, ConvOp) or not conv.y.has_one_use():
        return
    arrays = [constant(ctx, value) for value in (*conv.operands[1:], *norm.operands[1:])]
    known = [array for array in arrays if array is not None]
    if len(known) != len(arrays):
        return
    weights, *bias, scale, shift, mean, variance = known
    epsilon = norm.onnx_attributes()["epsilon"]
    factor = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    by_channel = factor.reshape(-1, *[1] * (weights.ndim - 1))
    old_bias = bias[0].astype(np.float64) if bias else 0.0
    new_bias = (old_bias - mean) * factor + shift
    name = conv.w.owner.key if isinstance(conv.w.owner, LoadOp) else "weight"
    build = Builder(ctx, norm)
    folded = build.emit_constant(name, (weights * by_channel).astype(weights.dtype))
    shifted = build.emit_constant(f"{name}.folded_bias", new_bias.astype(weights.dtype))
    replacement = ConvOp.build(
        operands=[conv.x, folded, [shifted]],
        result_types=[norm.results[0].type],
        properties=dict(conv.properties),
    )
    build.emit(replacement)
    replacement.location = conv.location
    build.replace_anchor(replacement.y)
    Rewriter.erase_op(conv)
