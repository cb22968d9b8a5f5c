"""Executes the `cim` dialect."""

from typing import Any

import numpy as np
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.irdl import IRDLOperation

from cimc.dialects.cim.digital import (
    ColumnSumOp,
    DequantizeOp,
    Im2colOp,
    QuantizeOp,
    RecenterOp,
    ReshapeOp,
    ToImageOp,
)
from cimc.dialects.cim.layers import ConvOp, LayerOp, MatmulOp
from cimc.dialects.cim.mapping import EncodeOp, MvmOp, RemoveOffsetOp, ZerosOp
from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.interpreters.layer import integer_layer, run_float_layer
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import exact_product
from cimc.runtime.encoding import Tile
from cimc.runtime.layout import im2col, to_image
from cimc.runtime.quantization import dequantize


def result_dtype(op: IRDLOperation) -> np.dtype[Any]:
    """The numpy type of an op's first result."""
    return dtype_of(element_type(op.results[0]))


@register_impls
class CimFunctions(InterpreterFunctions):
    """The meaning of each op of the dialect."""

    @impl(ConvOp)
    def run_conv(self, interpreter: Interpreter, op: ConvOp, args: PythonValues) -> PythonValues:
        return (self._layer(op, args),)

    @impl(MatmulOp)
    def run_matmul(self, interpreter: Interpreter, op: MatmulOp, args: PythonValues) -> PythonValues:
        return (self._layer(op, args),)

    def _layer(self, op: LayerOp, args: PythonValues) -> Array:
        if not op.is_integer:
            return run_float_layer(op, args)
        pad_code = op.pad_code.value.data if isinstance(op, ConvOp) else 0
        return integer_layer(op, args[0], args[1], pad_code).astype(result_dtype(op))

    @impl(QuantizeOp)
    def run_quantize(self, interpreter: Interpreter, op: QuantizeOp, args: PythonValues) -> PythonValues:
        return (op.quantizer.data.quantize(args[0]),)

    @impl(DequantizeOp)
    def run_dequantize(self, interpreter: Interpreter, op: DequantizeOp, args: PythonValues) -> PythonValues:
        values = dict(zip(op.operands, args, strict=True))
        correction = None if op.correction is None else values[op.correction]
        bias = None if op.bias is None else values[op.bias]
        return (dequantize(args[0], args[1], correction, bias, op.axis.value.data),)

    @impl(RecenterOp)
    def run_recenter(self, interpreter: Interpreter, op: RecenterOp, args: PythonValues) -> PythonValues:
        return ((args[0].astype(np.int32) - op.zero_point.value.data).astype(result_dtype(op)),)

    @impl(ColumnSumOp)
    def run_column_sum(self, interpreter: Interpreter, op: ColumnSumOp, args: PythonValues) -> PythonValues:
        sums = args[0].sum(axis=-2, keepdims=True, dtype=np.int64)
        return ((sums * op.factor.value.data).astype(result_dtype(op)),)

    @impl(Im2colOp)
    def run_im2col(self, interpreter: Interpreter, op: Im2colOp, args: PythonValues) -> PythonValues:
        matrices, _, inputs = shape_of(op.vectors)
        vectors = im2col(
            args[0],
            matrices=matrices,
            inputs=inputs,
            kernel=op.kernel.get_values(),
            strides=op.strides.get_values(),
            pads=op.pads.get_values(),
            dilations=op.dilations.get_values(),
            pad_code=op.pad_code.value.data,
        )
        return (vectors,)

    @impl(ToImageOp)
    def run_to_image(self, interpreter: Interpreter, op: ToImageOp, args: PythonValues) -> PythonValues:
        return (to_image(args[0], shape_of(op.image)),)

    @impl(ReshapeOp)
    def run_reshape(self, interpreter: Interpreter, op: ReshapeOp, args: PythonValues) -> PythonValues:
        return (args[0].reshape(shape_of(op.result)),)

    @impl(EncodeOp)
    def run_encode(self, interpreter: Interpreter, op: EncodeOp, args: PythonValues) -> PythonValues:
        offset = args[1] if op.offset is not None else None
        return (op.encoding.data.encode_all(args[0], offset),)

    @impl(ZerosOp)
    def run_zeros(self, interpreter: Interpreter, op: ZerosOp, args: PythonValues) -> PythonValues:
        return (np.zeros(shape_of(op.result), result_dtype(op)),)

    @impl(MvmOp)
    def run_mvm(self, interpreter: Interpreter, op: MvmOp, args: PythonValues) -> PythonValues:
        vectors, cells, sums = args
        result = own_sums(op.sums.has_one_use(), sums)
        encoding = op.encoding.data
        tiles = [op.tile.data] if op.tile is not None else whole_tiles(cells)
        for tile in tiles:
            part = cells[tile.matrix, tile.row : tile.row_end, tile.column : tile.column_end]
            inputs = vectors[tile.matrix][:, encoding.inputs_of(tile)]
            product = exact_product(inputs, encoding.decode(part, tile))
            result[tile.matrix][:, encoding.sums_of(tile)] += product.astype(result.dtype)
        return (result,)

    @impl(RemoveOffsetOp)
    def run_remove_offset(
        self, interpreter: Interpreter, op: RemoveOffsetOp, args: PythonValues
    ) -> PythonValues:
        sums, offset = args[0].astype(np.int64), args[1]
        return ((sums[..., :-1] - offset[..., None, :] * sums[..., -1:]).astype(result_dtype(op)),)


def own_sums(only_user: bool, sums: Array) -> Array:
    """Accumulators that may be written in place: values are not shared, so others keep theirs."""
    return sums if only_user else sums.copy()


def whole_tiles(cells: Array) -> list[Tile]:
    """Each encoded matrix as one tile of its own size."""
    return [Tile(m, 0, cells.shape[1], 0, cells.shape[2]) for m in range(len(cells))]
