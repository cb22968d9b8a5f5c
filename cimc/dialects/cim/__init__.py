"""The `cim` dialect: quantised layers on tensors, and how they are mapped onto crossbars.

Value semantics throughout. From layers (`cim.conv`, `cim.matmul` with their `#cim.precision`) passes come
step by step to the matrix view, cell codes and tiles with a place and an order.
"""

from xdsl.ir import Dialect

from cimc.dialects.cim.attributes import (
    EncodingAttr,
    PackingAttr,
    PrecisionAttr,
    QuantizerAttr,
    StructureAttr,
    TargetAttr,
    TileAttr,
    VectorsAttr,
)
from cimc.dialects.cim.digital import (
    ColumnSumOp,
    DequantizeOp,
    Im2colOp,
    QuantizeOp,
    RecenterOp,
    ReshapeOp,
    ToImageOp,
)
from cimc.dialects.cim.layers import ConvOp, MatmulOp
from cimc.dialects.cim.mapping import EncodeOp, MvmOp, RemoveOffsetOp, ZerosOp
from cimc.dialects.cim.packing import BlockDiagonalOp, PackVectorsOp, TransposeOp, UnpackSumsOp
from cimc.dialects.cim.signs import InputSumOp, SubtractOffsetOp, SubtractOp, WindowSumOp

Cim = Dialect(
    "cim",
    [
        BlockDiagonalOp,
        ColumnSumOp,
        ConvOp,
        DequantizeOp,
        EncodeOp,
        Im2colOp,
        InputSumOp,
        MatmulOp,
        MvmOp,
        PackVectorsOp,
        QuantizeOp,
        RecenterOp,
        RemoveOffsetOp,
        ReshapeOp,
        SubtractOffsetOp,
        SubtractOp,
        ToImageOp,
        TransposeOp,
        UnpackSumsOp,
        WindowSumOp,
        ZerosOp,
    ],
    [
        EncodingAttr,
        PackingAttr,
        PrecisionAttr,
        QuantizerAttr,
        StructureAttr,
        TargetAttr,
        TileAttr,
        VectorsAttr,
    ],
)
