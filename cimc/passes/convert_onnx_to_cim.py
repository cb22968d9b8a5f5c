"""Pass `convert-onnx-to-cim`."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    Float32Type,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass

from cimc.context import CimcContext, cimc_context
from cimc.dialects import onnx
from cimc.dialects.cim.attributes import (
    MAX_WEIGHT_BITS,
    MIN_WEIGHT_BITS,
    PrecisionAttr,
    QuantizerAttr,
)
from cimc.dialects.cim.layers import ConvOp, MatmulOp
from cimc.dialects.onnx.base import OnnxOp, broadcast, ints_attr
from cimc.dialects.tensor_types import element_type, retyped, shape_of
from cimc.dialects.weights import LoadOp
from cimc.errors import CimcError
from cimc.frontend.names import layer_of_initializer
from cimc.locations import names_of, node_of
from cimc.passes.builder import Builder
from cimc.passes.file_quantisation import StoredWeights, evaluate, grid_of, read_weights
from cimc.passes.unused import remove_unused
from cimc.runtime.kernels.geometry import spatial_axes
from cimc.runtime.quantization import Quantizer

DEFAULT_BITS = 8


@dataclass(frozen=True)
class ConvertOnnxToCimPass(ModulePass):
    """Makes layers of convolutions and matrix products: the ops that run on crossbars.

    Quantisation that the file has is read: codes and scales of weights, the quantiser of a layer's
    input, and the widths of both. What the file does not quantise gets a width of 8 bits, and later its
    scales. All other ops stay as they are, for the digital part of the chip.

    ```mlir
    %y = onnx.Conv(%x, %w) {pads = array<i64: 1, 1, 1, 1>}
        : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
    ```
    becomes
    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv1", precision = #cim.precision<weight 8, activation 8>,
        strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
        groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
    ```
    """

    name = "convert-onnx-to-cim"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        names: set[str] = set()
        for layer in list(op.walk()):
            if not isinstance(layer, onnx.conv.ConvOp | onnx.matmul.GemmOp | onnx.matmul.MatMulOp):
                continue
            element = element_type(layer.results[0])
            if isinstance(element, IntegerType):
                continue  # products of integers are arithmetic, not a layer
            if not isinstance(element, Float32Type):
                raise CimcError(
                    f"{node_of(layer)}: layers of {element} are not supported; export the model in float32"
                )
            _Converter(Builder(context, layer), layer, names).convert()
        remove_unused(op)


@dataclass
class _Converter:
    """Converts one op; the new ops are put in front of it."""

    build: Builder
    op: OnnxOp
    taken_names: set[str]

    @property
    def ctx(self) -> CimcContext:
        return self.build.ctx

    def convert(self) -> None:
        if isinstance(self.op, onnx.conv.ConvOp):
            result = self._conv(self.op)
        elif isinstance(self.op, onnx.matmul.GemmOp):
            result = self._gemm(self.op)
        else:
            result = self._matmul(self.op.operands[0], self.op.operands[1], None)
        self.build.replace_anchor(result)

    def _conv(self, op: onnx.conv.ConvOp) -> SSAValue:
        attributes = op.onnx_attributes()
        x, w = op.operands[0], op.operands[1]
        stored = read_weights(self.ctx, w)
        if stored is None:
            raise CimcError(f"{node_of(op)}: its weights are computed at run time, which is not supported")
        axes = spatial_axes(
            shape_of(x)[2:],
            shape_of(w)[2:],
            strides=attributes.get("strides"),
            dilations=attributes.get("dilations"),
            pads=attributes.get("pads"),
            auto_pad=attributes["auto_pad"],
        )
        bias = op.operands[2] if len(op.operands) > 2 else None
        layer = ConvOp.build(
            operands=[x, *self._stored(stored, 0), *self._bias(bias, 1.0)],
            result_types=[op.results[0].type],
            properties={
                **self._properties(stored, None, grid_of(self.ctx, x)),
                "strides": ints_attr([a.stride for a in axes]),
                "pads": ints_attr([a.pads[0] for a in axes] + [a.pads[1] for a in axes]),
                "dilations": ints_attr([a.dilation for a in axes]),
                "groups": IntegerAttr(attributes["group"], i64),
            },
        )
        return self.build.emit(layer)

    def _gemm(self, op: onnx.matmul.GemmOp) -> SSAValue:
        attributes = op.onnx_attributes()
        a, b = op.operands[0], op.operands[1]
        c = op.operands[2] if len(op.operands) > 2 else None
        if attributes["transA"]:
            a = self._transposed(a)
        if attributes["transB"] and read_weights(self.ctx, b) is None:
            b = self._transposed(b)
        elif attributes["transB"]:
            return self._matmul(a, b, c, transposed=True)
        return self._matmul(a, b, c)

    def _transposed(self, x: SSAValue) -> SSAValue:
        rank = len(shape_of(x))
        axes = [*range(rank - 2), rank - 1, rank - 2]
        return self.build.emit_onnx("Transpose", [x], perm=ints_attr(axes))

    def _matmul(self, x: SSAValue, w: SSAValue, c: SSAValue | None, *, transposed: bool = False) -> SSAValue:
        """`x @ w`, with Gemm's factors and its addend `c`; constant `w` may be given transposed."""
        stored = read_weights(self.ctx, w)
        left = read_weights(self.ctx, x) if stored is None else None
        if left is not None and len(shape_of(x)) >= 2:
            if len(shape_of(w)) == 1:
                axes = self.build.emit_constant("axes", np.array([1]))
                column = self.build.emit_onnx("Unsqueeze", [w, axes])
                return self.build.reshaped(self._matmul(x, column, c), shape_of(self.op.results[0]))
            # The constant is on the left: x @ w = (w^T @ x^T)^T.
            product = self._matmul_with(self._transposed(w), left, None, None, transposed=True)
            return self._added(self._transposed(product), c)
        return self._matmul_with(x, stored, w, c, transposed=transposed)

    def _matmul_with(
        self,
        x: SSAValue,
        stored: StoredWeights | None,
        w: SSAValue | None,
        c: SSAValue | None,
        *,
        transposed: bool,
    ) -> SSAValue:
        alpha = float(self.op.onnx_attributes().get("alpha", 1.0))
        grid = grid_of(self.ctx, x)
        w_grid = None if stored is not None or w is None else grid_of(self.ctx, w)
        operands: list[SSAValue | list[SSAValue]]
        vector_x = len(shape_of(x)) == 1
        if vector_x:
            x = self.build.reshaped(x, (1, *shape_of(x)))
        if stored is not None:
            if transposed:
                stored = stored.swapped()
            vector_w = stored.values.ndim == 1
            stored = stored.as_matrix().scaled(alpha)
            x, stored = self._broadcast_constant(x, stored)
            operands = self._stored(stored, -1)
            w_shape = stored.values.shape
        else:
            assert w is not None
            if alpha != 1.0:
                factor = self.build.emit_constant("alpha", np.array([alpha], np.float32))
                x, grid = self.build.emit_onnx("Mul", [x, factor]), None
            vector_w = len(shape_of(w)) == 1
            if vector_w:
                w = self.build.reshaped(w, (*shape_of(w), 1))
            x, w = self._broadcast(x, w)
            operands = [w, []]
            w_shape = shape_of(w)
        bias = self._bias_of(c, w_shape[-1])
        layer = MatmulOp.build(
            operands=[x, *operands, *bias],
            result_types=[retyped(x.type, element_type(x), (*shape_of(x)[:-1], w_shape[-1]))],
            properties=self._properties(stored, w_grid, grid),
        )
        y = self.build.emit(layer)
        if not bias[0]:
            y = self._added(y, c)
        if shape_of(y) != shape_of(self.op.results[0]) and (vector_x or vector_w):
            y = self.build.reshaped(y, shape_of(self.op.results[0]))
        return y

    def _bias_of(self, c: SSAValue | None, outputs: int) -> list[list[SSAValue]]:
        """Gemm's addend as a bias, if it is a constant with one value for each output."""
        if c is None or evaluate(self.ctx, c) is None or shape_of(c) not in ((outputs,), (1, outputs)):
            return [[]]
        return self._bias(c, float(self.op.onnx_attributes()["beta"]))

    def _added(self, y: SSAValue, c: SSAValue | None) -> SSAValue:
        """`y + beta * c`."""
        if c is None:
            return y
        beta = float(self.op.onnx_attributes()["beta"])
        if beta != 1.0:
            factor = self.build.emit_constant("beta", np.array([beta], np.float32))
            c = self.build.emit_onnx("Mul", [c, factor])
        return self.build.emit_onnx("Add", [y, c])

    def _broadcast(self, x: SSAValue, w: SSAValue) -> tuple[SSAValue, SSAValue]:
        *own_batch, inputs, outputs = shape_of(w)
        if prod(own_batch) == 1 and len(shape_of(w)) <= max(len(shape_of(x)), 2):
            return x, self.build.reshaped(w, (inputs, outputs))
        batch = broadcast(shape_of(x)[:-2], shape_of(w)[:-2])
        return (
            self._expanded(x, (*batch, *shape_of(x)[-2:])),
            self._expanded(w, (*batch, *shape_of(w)[-2:])),
        )

    def _broadcast_constant(self, x: SSAValue, stored: StoredWeights) -> tuple[SSAValue, StoredWeights]:
        if stored.values.ndim <= max(len(shape_of(x)), 2):
            stored = stored.without_leading_ones()
        if stored.values.ndim == 2:
            return x, stored
        batch = broadcast(shape_of(x)[:-2], stored.values.shape[:-2])
        x = self._expanded(x, (*batch, *shape_of(x)[-2:]))
        return x, stored.broadcast_to(batch)

    def _expanded(self, x: SSAValue, shape: Sequence[int]) -> SSAValue:
        if shape_of(x) == tuple(shape):
            return x
        sizes = self.build.emit_constant("shape", np.array(shape, np.int64))
        return self.build.emit_onnx("Expand", [x, sizes])

    def _stored(self, stored: StoredWeights, output_axis: int) -> list[SSAValue | list[SSAValue]]:
        """The operands for constant weights: values, and scales if they are codes."""
        name = "weight" if stored.source is None else stored.source.key
        if stored.scale is None:
            if stored.source is not None and self.ctx.tensors[name] is stored.values:
                return [stored.source.result, []]
            return [self.build.emit_constant(name, stored.values), []]
        if stored.axis is not None and stored.axis != output_axis % stored.values.ndim:
            raise CimcError(
                f"{node_of(self.op)}: its weights have scales along axis {stored.axis}, which is not "
                "that of the outputs; quantise them per tensor or per output channel"
            )
        codes = self.build.emit_constant(f"{name}.codes", stored.values, stored.element)
        scale = self.build.emit_constant(f"{name}.scale", stored.scale.astype(np.float32))
        return [codes, [scale]]

    def _bias(self, bias: SSAValue | None, factor: float) -> list[list[SSAValue]]:
        if bias is None:
            return [[]]
        values = evaluate(self.ctx, bias)
        if values is None:
            raise CimcError(
                f"{node_of(self.op)}: its bias is computed at run time; add it with an Add instead"
            )
        if isinstance(bias.owner, LoadOp) and factor == 1.0 and values.ndim == 1:
            return [[bias]]
        values = (values.reshape(-1) * np.float32(factor)).astype(np.float32)
        return [[self.build.emit_constant(f"{bias.name_hint or 'bias'}.bias", values)]]

    def _properties(
        self, stored: StoredWeights | None, w_grid: Quantizer | None, grid: Quantizer | None
    ) -> dict[str, Attribute]:
        weight_bits = DEFAULT_BITS
        if stored is not None and stored.bits is not None:
            weight_bits = min(max(stored.bits, MIN_WEIGHT_BITS), MAX_WEIGHT_BITS)
        elif w_grid is not None:
            weight_bits = max(w_grid.bits, MIN_WEIGHT_BITS)
        activation_bits = DEFAULT_BITS if grid is None else grid.bits
        properties: dict[str, Attribute] = {
            **self._names(stored),
            "precision": PrecisionAttr(weight_bits, activation_bits),
        }
        if grid is not None:
            properties["input"] = QuantizerAttr(grid)
        if w_grid is not None:
            properties["stored"] = QuantizerAttr(w_grid)
        return properties

    def _names(self, stored: StoredWeights | None) -> dict[str, Attribute]:
        names = names_of(self.op)
        if stored is not None and stored.source is not None:
            by_weights = layer_of_initializer(stored.source.key)
            names = [by_weights, *names] if by_weights else names
        names = list(dict.fromkeys(names)) or [self.op.results[0].name_hint or self.op.op_type]
        name, count = names[0], 1
        while name in self.taken_names:  # layers that share their weights
            count += 1
            name = f"{names[0]}#{count}"
        self.taken_names.add(name)
        aliases = [alias for alias in names if alias != name]
        properties: dict[str, Attribute] = {"layer": StringAttr(name)}
        if aliases:
            properties["aliases"] = ArrayAttr([StringAttr(alias) for alias in aliases])
        return properties
