"""Executes the `cim` dialect."""

from typing import Any

import numpy as np
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.irdl import IRDLOperation

from cimc.dialects import xbar
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
from cimc.dialects.cim.packing import BlockDiagonalOp, PackVectorsOp, TransposeOp, UnpackSumsOp
from cimc.dialects.cim.signs import InputSumOp, SubtractOffsetOp, SubtractOp, WindowSumOp
from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.interpreters.layer import integer_layer, run_float_layer
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import add_products
from cimc.runtime.layer import conv_codes
from cimc.runtime.layout import im2col, patches, to_image
from cimc.runtime.packing import block_diagonal, pack_vectors, unpack_sums
from cimc.runtime.quantization import dequantize
from cimc.runtime.tile import Tile
from cimc.runtime.vectors import Vectors


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
        if op.packing is not None:
            structure = op.structure()
            return (
                patches(
                    args[0],
                    matrices=matrices,
                    groups=structure.groups,
                    channels=inputs // structure.row_blocks,
                    axes=structure.axes,
                    positions=structure.positions,
                    pads=op.pads.get_values(),
                    pad_code=op.pad_code.value.data,
                ),
            )
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
        if op.packing is None:
            return (to_image(args[0], shape_of(op.image)),)
        packing = op.packing.data
        return (to_image(args[0], shape_of(op.image), packing.positions, packing.groups),)

    @impl(PackVectorsOp)
    def run_pack_vectors(
        self, interpreter: Interpreter, op: PackVectorsOp, args: PythonValues
    ) -> PythonValues:
        return (pack_vectors(args[0], *op.sizes()),)

    @impl(UnpackSumsOp)
    def run_unpack_sums(self, interpreter: Interpreter, op: UnpackSumsOp, args: PythonValues) -> PythonValues:
        return (unpack_sums(args[0], *op.sizes(), shape_of(op.result)),)

    @impl(BlockDiagonalOp)
    def run_block_diagonal(
        self, interpreter: Interpreter, op: BlockDiagonalOp, args: PythonValues
    ) -> PythonValues:
        return (block_diagonal(args[0], *op.sizes()),)

    @impl(TransposeOp)
    def run_transpose(self, interpreter: Interpreter, op: TransposeOp, args: PythonValues) -> PythonValues:
        return (args[0].swapaxes(-1, -2),)

    @impl(InputSumOp)
    def run_input_sum(self, interpreter: Interpreter, op: InputSumOp, args: PythonValues) -> PythonValues:
        return (args[0].sum(axis=-1, keepdims=True, dtype=np.int64).astype(result_dtype(op)),)

    @impl(WindowSumOp)
    def run_window_sum(self, interpreter: Interpreter, op: WindowSumOp, args: PythonValues) -> PythonValues:
        groups = op.groups.value.data
        pictures, channels, *sizes = args[0].shape
        by_group = args[0].reshape(pictures, groups, channels // groups, *sizes).sum(axis=2, dtype=np.int64)
        ones = np.ones((groups, 1, *op.kernel.get_values()), np.int64)
        sums = conv_codes(
            by_group,
            ones,
            strides=op.strides.get_values(),
            pads=op.pads.get_values(),
            dilations=op.dilations.get_values(),
            groups=groups,
            pad_code=op.pad_code.value.data * (channels // groups),
        )
        return (sums.astype(result_dtype(op)),)

    @impl(SubtractOffsetOp)
    def run_subtract_offset(
        self, interpreter: Interpreter, op: SubtractOffsetOp, args: PythonValues
    ) -> PythonValues:
        sums, inputs, offset = args
        axis = op.axis.value.data
        shape = [1] * sums.ndim
        shape[axis] = -1
        by_output = np.repeat(inputs, sums.shape[axis] // inputs.shape[axis], axis)
        result = sums.astype(np.int64) - offset.reshape(shape).astype(np.int64) * by_output
        return (result.astype(result_dtype(op)),)

    @impl(SubtractOp)
    def run_subtract(self, interpreter: Interpreter, op: SubtractOp, args: PythonValues) -> PythonValues:
        return ((args[0].astype(np.int64) - args[1]).astype(result_dtype(op)),)

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
        index = all_vectors(op).index
        for tile in tiles:
            sums_of_tile, streamed = result[tile.matrix, index], vectors[tile.matrix, index]
            add_products(sums_of_tile, streamed, tile.cells_of(cells), tile, encoding)
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


def all_vectors(op: MvmOp | xbar.MvmOp) -> Vectors:
    """The vectors that stream: those that the op says, or all."""
    return Vectors(0, shape_of(op.vectors)[1]) if op.range is None else op.range.data


def whole_tiles(cells: Array) -> list[Tile]:
    """Each encoded matrix as one tile of its own size."""
    rows, columns = cells.shape[1:]
    return [Tile(m, ((0, rows),), ((0, columns),)) for m in range(len(cells))]
