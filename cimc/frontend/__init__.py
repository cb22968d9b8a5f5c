"""From an ONNX file to the `onnx` dialect. The import is dumb: one node, one op; decisions are passes."""
