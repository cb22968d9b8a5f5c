"""What to tell the user of an operator that the dialect does not hold."""

_HINTS = {
    "ConvTranspose": "a transposed convolution has no crossbar mapping here; use an upsampling and a Conv",
    "LSTM": "recurrent layers are not supported; unroll the cell into MatMul, Sigmoid and Tanh",
    "GRU": "recurrent layers are not supported; unroll the cell into MatMul, Sigmoid and Tanh",
    "RNN": "recurrent layers are not supported; unroll the cell into MatMul and Tanh",
    "If": "graphs must be free of branches; export the model with fixed inputs, or fold it with a simplifier",
    "Loop": "graphs must be free of loops; export the model with fixed inputs, or fold it with a simplifier",
    "Scan": "graphs must be free of loops; export the model with fixed inputs, or fold it with a simplifier",
    "Resize": "resizing is not supported; scale pictures before the network",
    "Upsample": "resizing is not supported; scale pictures before the network",
}

_QUANTISED = "export the quantised model in QDQ format (QuantizeLinear/DequantizeLinear) instead"

_GENERAL = "export the model with the operators listed in docs/onnx.md"


def hint(op_type: str, domain: str) -> str:
    """What can be done about an operator that is not supported."""
    if op_type.startswith("QLinear") or op_type in ("ConvInteger", "MatMulInteger"):
        return _QUANTISED
    if domain not in ("", "ai.onnx"):
        return f"operators of domain {domain!r} are not supported; {_GENERAL}"
    return _HINTS.get(op_type, _GENERAL)
