"""Scaled dot-product attention."""

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Attribute
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    opt_result_def,
    prop_def,
    result_def,
)

from cimc.dialects.onnx.base import (
    ANY_TENSOR,
    FLOAT,
    FLOAT_TENSOR,
    INT,
    INT64_TENSOR,
    OPERAND_SEGMENTS,
    RESULT_SEGMENTS,
    SAME_FLOAT_TENSOR,
    ConstantOf,
    OnnxOp,
    check_broadcasts_to,
    check_shape,
    float_attr,
    int_attr,
    python_value,
)
from cimc.dialects.tensor_types import Shape, element_type, shape_of


def _by_head(name: str, shape: Shape, heads: IntegerAttr | None) -> Shape:
    """The shape (batch, heads, length, size) of q, k or v, which may be (batch, length, all)."""
    if len(shape) == 4:
        return shape
    if len(shape) != 3:
        raise ValueError(f"{name} of shape {shape} has neither 3 nor 4 dimensions")
    count: int | None = python_value(heads)
    if not count or count < 0:
        raise ValueError("q, k and v of 3 dimensions need q_num_heads and kv_num_heads")
    if shape[2] % count:
        raise ValueError(f"{name} of shape {shape} does not make {count} heads")
    return (shape[0], count, shape[1], shape[2] // count)


@irdl_op_definition
class AttentionOp(OnnxOp):
    """[Attention](https://onnx.ai/onnx/operators/onnx__Attention.html)

    ```mlir
    %y = onnx.Attention(%q, %k, %v) {is_causal = 1 : i64}
        : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>) -> tensor<1x4x8x16xf32>
    ```
    """

    name = "onnx.Attention"

    irdl_options = (OPERAND_SEGMENTS, RESULT_SEGMENTS)

    q = operand_def(SAME_FLOAT_TENSOR)
    k = operand_def(SAME_FLOAT_TENSOR)
    v = operand_def(FLOAT_TENSOR)
    attn_mask = opt_operand_def(ANY_TENSOR)
    past_key = opt_operand_def(SAME_FLOAT_TENSOR)
    past_value = opt_operand_def(FLOAT_TENSOR)
    nonpad_kv_seqlen = opt_operand_def(INT64_TENSOR)
    is_causal = prop_def(INT, default_value=int_attr(0))
    kv_num_heads = opt_prop_def(INT)
    left_window_size = prop_def(INT, default_value=int_attr(-1))
    q_num_heads = opt_prop_def(INT)
    qk_matmul_output_mode = prop_def(INT, default_value=int_attr(0))
    right_window_size = prop_def(INT, default_value=int_attr(-1))
    scale = opt_prop_def(FLOAT)
    softcap = prop_def(FLOAT, default_value=float_attr(0.0))
    softmax_precision = opt_prop_def(INT)
    y = result_def(ANY_TENSOR)
    present_key = opt_result_def(ANY_TENSOR)
    present_value = opt_result_def(ANY_TENSOR)
    qk_matmul_output = opt_result_def(ANY_TENSOR)

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        packed = len(shape_of(self.q)) == 3
        q = _by_head("q", shape_of(self.q), self.q_num_heads)
        k = _by_head("k", shape_of(self.k), self.kv_num_heads)
        v = _by_head("v", shape_of(self.v), self.kv_num_heads)
        batch, heads, queries, size = q
        if k[0] != batch or k[3] != size or v[:3] != k[:3]:
            raise ValueError(f"q, k and v of shapes {q}, {k} and {v} do not go together")
        if not k[1] or heads % k[1]:
            raise ValueError(f"{k[1]} key heads cannot serve {heads} query heads")

        keys = self._past_length(k, v) + k[2]
        self._check_masks(q, keys)
        y = (batch, queries, heads * v[3]) if packed else (batch, heads, queries, v[3])
        return self.of_present_results(
            y,
            (batch, k[1], keys, size),
            (batch, k[1], keys, v[3]),
            (batch, heads, queries, keys),
        )

    def _past_length(self, k: Shape, v: Shape) -> int:
        """How many keys precede those in `k`."""
        if (self.past_key is None) != (self.past_value is None):
            raise ValueError("past_key and past_value come together or not at all")
        if self.past_key is None:
            return 0
        if self.nonpad_kv_seqlen is not None:
            raise ValueError("nonpad_kv_seqlen excludes past_key and past_value")
        past = shape_of(self.past_key)
        length = past[2] if len(past) == 4 else 0
        check_shape("past_key", self.past_key, (*k[:2], length, k[3]))
        check_shape("past_value", self.past_value, (*k[:2], length, v[3]))
        return length

    def _check_masks(self, q: Shape, keys: int) -> None:
        check_shape("nonpad_kv_seqlen", self.nonpad_kv_seqlen, q[:1])
        if self.attn_mask is None:
            return
        mask = shape_of(self.attn_mask)
        # A mask may say nothing of the last keys.
        covered = mask[-1] if mask and mask[-1] <= keys else keys
        check_broadcasts_to("attn_mask", mask, (*q[:3], covered))

    def infer_elements(self) -> Sequence[Attribute]:
        q, v = element_type(self.q), element_type(self.v)
        return self.of_present_results(q, q, v, q)


OPS = [AttentionOp]
