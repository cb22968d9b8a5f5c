"""Pass `onnx-decompose-attention`."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.onnx.attention import AttentionOp
from cimc.dialects.onnx.base import int_attr, ints_attr
from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.errors import CimcError
from cimc.locations import location_of, names_of, node_of
from cimc.passes.builder import Builder


@dataclass(frozen=True)
class OnnxDecomposeAttentionPass(ModulePass):
    """Takes Attention apart into two matrix products, which run on crossbars, and what is between them.

    The products are called after the node: `NODE.qk` and `NODE.av`. Heads, grouped heads, masks, causal
    masks, scale and softcap are covered; caches of earlier keys and windows are not.

    ```mlir
    %y = onnx.Attention(%q, %k, %v)
        : (tensor<1x4x8x16xf32>, tensor<1x4x8x16xf32>, tensor<1x4x8x16xf32>) -> tensor<1x4x8x16xf32>
    ```
    becomes
    ```mlir
    %t = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : …
    %s = onnx.MatMul(%q, %t) : …
    %m = onnx.Mul(%s, %scale) : …
    %p = onnx.Softmax(%m) : …
    %y = onnx.MatMul(%p, %v) : …
    ```
    """

    name = "onnx-decompose-attention"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for attention in list(op.walk()):
            if isinstance(attention, AttentionOp):
                _Decomposer(Builder(context, attention), attention).run()


@dataclass
class _Decomposer:
    build: Builder
    op: AttentionOp

    def run(self) -> None:
        op, build = self.op, self.build
        attributes = op.onnx_attributes()
        windows = attributes["left_window_size"], attributes["right_window_size"]
        if (
            op.past_key is not None
            or op.nonpad_kv_seqlen is not None
            or windows != (-1, -1)
            or any(r.uses for r in op.results[1:])
        ):
            raise CimcError(
                f"{node_of(op)}: past keys, windows and further outputs of Attention are not supported; "
                "export the model without a cache"
            )
        packed = len(shape_of(op.q)) == 3
        q = self._heads(op.q, attributes.get("q_num_heads"))
        k = self._heads(op.k, attributes.get("kv_num_heads"))
        v = self._heads(op.v, attributes.get("kv_num_heads"))
        k, v = (self._repeated(value, shape_of(q)[1]) for value in (k, v))
        transposed = build.emit_onnx("Transpose", [k], perm=ints_attr([0, 1, 3, 2]))
        scores = self._product("qk", q, transposed)
        scale = attributes.get("scale", shape_of(q)[3] ** -0.5)
        scores = build.emit_onnx("Mul", [scores, self._scalar("scale", scale)])
        if softcap := attributes["softcap"]:
            cap = self._scalar("softcap", softcap)
            scores = build.emit_onnx("Div", [scores, cap])
            scores = build.emit_onnx("Tanh", [scores])
            scores = build.emit_onnx("Mul", [scores, cap])
        scores = self._masked(scores, bool(attributes["is_causal"]))
        weights = build.emit_onnx("Softmax", [scores], axis=int_attr(-1))
        y = self._product("av", weights, v)
        if packed:
            y = build.emit_onnx("Transpose", [y], perm=ints_attr([0, 2, 1, 3]))
            y = build.reshaped(y, shape_of(op.y))
        build.replace_anchor(y)

    def _heads(self, x: SSAValue, heads: int | None) -> SSAValue:
        """[batch, length, heads * size] as [batch, heads, length, size]."""
        if heads is None or len(shape_of(x)) == 4:
            return x
        batch, length, width = shape_of(x)
        split = self.build.reshaped(x, (batch, length, heads, width // heads))
        return self.build.emit_onnx("Transpose", [split], perm=ints_attr([0, 2, 1, 3]))

    def _repeated(self, x: SSAValue, heads: int) -> SSAValue:
        """Each key or value head once for each of the query heads that it serves."""
        batch, own, length, size = shape_of(x)
        if own == heads:
            return x
        split = self.build.reshaped(x, (batch, own, 1, length, size))
        sizes = np.array([batch, own, heads // own, length, size])
        repeated = self.build.emit_onnx("Expand", [split, self.build.emit_constant("heads", sizes)])
        return self.build.reshaped(repeated, (batch, heads, length, size))

    def _product(self, suffix: str, a: SSAValue, b: SSAValue) -> SSAValue:
        product = self.build.emit_onnx("MatMul", [a, b])
        names = [f"{name}.{suffix}" for name in names_of(self.op)]
        if names and isinstance(product.owner, Operation):
            product.owner.location = location_of(names)
        return product

    def _masked(self, scores: SSAValue, causal: bool) -> SSAValue:
        build, mask = self.build, self.op.attn_mask
        *_, queries, keys = shape_of(scores)
        dtype = dtype_of(element_type(scores))
        if causal:
            future = np.triu(np.full((queries, keys), -np.inf, dtype), 1)
            scores = build.emit_onnx("Add", [scores, build.emit_constant("causal", future)])
        if mask is None:
            return scores
        if shape_of(mask)[-1] != keys:
            raise CimcError(f"{node_of(self.op)}: a mask for {shape_of(mask)[-1]} of {keys} keys")
        if element_type(mask) == element_type(scores):
            return build.emit_onnx("Add", [scores, mask])
        return build.emit_onnx("Where", [mask, scores, self._scalar("hidden", -np.inf)])

    def _scalar(self, name: str, value: float) -> SSAValue:
        dtype = dtype_of(element_type(self.op.q))
        return self.build.emit_constant(name, np.array(value, dtype))
