"""What a layer is called: by its weights, by its node, by the module of the exporting framework."""

import ast
import re
from collections.abc import Mapping

_RENAMED = re.compile(r"^(onnx::.*|val_\d+|\d+|/.*)$")
"""Names that exporters make up for constants: `onnx::MatMul_512`, `val_12`, `/conv/Constant_output_0`."""

_SUFFIX = re.compile(r"(\.weight)?(_quantized)?$")
"""What is cut off an initialiser's name; onnxruntime's quantiser appends `_quantized`."""


def layer_of_initializer(name: str) -> str | None:
    """`layer1.0.conv1` of `layer1.0.conv1.weight`; None for a name that an exporter has made up."""
    if _RENAMED.match(name):
        return None
    return _SUFFIX.sub("", name) or None


def module_path(node_name: str, metadata: Mapping[str, str]) -> str | None:
    """The module of the framework that a node comes from, `encoder.layers.0.mlp.0`, if it can be told.

    torch's dynamo exporter writes the path into the node's metadata (second to last scope), its
    TorchScript exporter into the node's name.
    """
    scopes = metadata.get("pkg.torch.onnx.name_scopes")
    if scopes is not None:
        try:
            path = ast.literal_eval(scopes)[-2]
        except (ValueError, SyntaxError, IndexError, TypeError):
            return None
        return path if isinstance(path, str) and path else None
    if not node_name.startswith("/"):
        return None
    path: list[str] = []
    for segment in node_name.split("/")[1:-1]:
        # `/mlp/mlp.0` is the child 0 of mlp: the exporter writes a numbered child with its parent.
        if path and segment.startswith(f"{path[-1]}."):
            path.pop()
        path.append(segment)
    return ".".join(path) or None
