"""Executes layers that take and give floats: the quantised layer as a whole."""

import numpy as np
from xdsl.interpreter import PythonValues

from cimc.dialects.cim.layers import ConvOp, LayerOp, MatmulOp
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS
from cimc.runtime.layer import conv_codes, matmul_codes
from cimc.runtime.quantization import dequantize, weight_codes


def run_float_layer(op: LayerOp, args: PythonValues) -> Array:
    """The layer's output: of the quantised layer if it is calibrated, else of the float layer."""
    values = dict(zip(op.operands, args, strict=True))
    x, w = values[op.x], values[op.w]
    scale = None if op.scale is None else values[op.scale]
    bias = None if op.bias is None else values[op.bias]
    if not op.is_calibrated:
        return _run_float(op, x, w, scale, bias)
    quantizer, precision = op.input_quantizer, op.precision
    assert quantizer is not None
    assert precision is not None
    stored = op.stored_quantizer
    if stored is not None:
        codes = stored.quantize(w).astype(np.int32) - stored.zero_point
        scales = np.array([stored.scale])
    else:
        codes, scales = weight_codes(w, scale, precision.weight, op.W_OUTPUT_AXIS)
    x_codes = quantizer.quantize(x)
    sums = integer_layer(op, x_codes, codes, quantizer.zero_point)
    correction = zero_point_correction(op, codes, quantizer.zero_point)
    return dequantize(sums, scales.astype(np.float64) * quantizer.scale, correction, bias, op.OUTPUT_AXIS)


def zero_point_correction(op: LayerOp, codes: Array, zero_point: int) -> Array | None:
    """What an input's zero point adds to the sums: `zero_point` times the sum of an output's weights."""
    if zero_point == 0:
        return None
    if isinstance(op, MatmulOp):
        return codes.sum(axis=-2, keepdims=True, dtype=np.int64) * zero_point
    by_output = codes.reshape(len(codes), -1).sum(axis=1, dtype=np.int64) * zero_point
    return by_output.reshape(-1, *[1] * (codes.ndim - 2))


def integer_layer(op: LayerOp, x: Array, w: Array, pad_code: int) -> Array:
    """The exact sums of a layer on codes; `pad_code` lies outside the pictures."""
    if not isinstance(op, ConvOp):
        return matmul_codes(x, w)
    return conv_codes(
        x,
        w,
        strides=op.strides.get_values(),
        pads=op.pads.get_values(),
        dilations=op.dilations.get_values(),
        groups=op.groups.value.data,
        pad_code=pad_code,
    )


def _run_float(op: LayerOp, x: Array, w: Array, scale: Array | None, bias: Array | None) -> Array:
    if scale is not None:
        shape = [1] * w.ndim
        shape[op.W_OUTPUT_AXIS] = -1
        w = w.astype(np.float32) * scale.reshape(shape).astype(np.float32)
    if isinstance(op, ConvOp):
        (y,) = KERNELS["Conv"](
            x,
            w,
            bias,
            strides=op.strides.get_values(),
            pads=op.pads.get_values(),
            dilations=op.dilations.get_values(),
            group=op.groups.value.data,
        )
        return y
    y = np.matmul(x, w)
    return y if bias is None else y + bias
