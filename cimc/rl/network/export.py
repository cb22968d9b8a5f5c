"""Writes a quantised network as a QCDQ file that the compiler reads with the same layers and widths."""

import copy
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import onnx
import torch
from onnx import GraphProto, NodeProto

from cimc.errors import CimcError
from cimc.rl.network.layers import WeightLayer
from cimc.rl.network.network import Network
from cimc.tensor_store import atomic_path

OPSET = 20
"""Older readers know it, and the reference evaluator of ONNX can quantise from 19 on."""

_PRODUCTS = ("Conv", "Gemm", "MatMul")


def export_qcdq(network: Network, path: Path) -> None:
    """Writes the network as it is quantised now; the batch is open if the network takes any.

    Layers keep their names: weights of the layer `conv1` are called `conv1.weight`, and products without
    weights are nodes of that name.
    """
    network = copy.deepcopy(network)
    for layer in network.weight_layers():
        layer.fold()
    network.quantize()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        _export(network.eval(), file)
        model = onnx.load_from_string(file.read_bytes())
    _name_layers(model.graph, network)
    cast(Any, onnx.checker).check_model(model)
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def _export(network: Network, file: Path) -> None:
    open_batch = {"x": {0: "batch"}, "logits": {0: "batch"}} if network.takes_any_batch else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its age at every step
        from brevitas import export  # warns of what it would like to have

        cast(Any, export).export_onnx_qcdq(
            network,
            # Only another batch than the imported one shows the exporter what follows the batch.
            args=torch.zeros(network.batch + network.takes_any_batch, *network.input_shape),
            export_path=str(file),
            dynamo=False,  # the newer exporter writes float weights with a quantiser behind them
            opset_version=OPSET,
            keep_initializers_as_inputs=False,
            input_names=["x"],
            output_names=["logits"],
            dynamic_axes=open_batch,
        )


def _name_layers(graph: GraphProto, network: Network) -> None:
    producers = {name: node for node in graph.node for name in node.output}
    products = [node for node in graph.node if node.op_type in _PRODUCTS]
    layers = list(network.layers.values())
    if len(products) != len(layers):
        raise CimcError(f"the exported file has {len(products)} products, the network {len(layers)} layers")
    for node, layer in zip(products, layers, strict=True):
        node.name = layer.layer_name
        if isinstance(layer, WeightLayer):
            _name_weights(graph, node, producers, f"{layer.layer_name}.weight")
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _name_weights(graph: GraphProto, product: NodeProto, producers: dict[str, NodeProto], name: str) -> None:
    """Gives a product weights of this name, and of its own: the exporter writes equal ones once."""
    reader, index = product, 1
    while reader.input[index] in producers:
        reader, index = producers[reader.input[index]], 0
    (weights,) = (tensor for tensor in graph.initializer if tensor.name == reader.input[index])
    own = graph.initializer.add()
    own.CopyFrom(weights)
    own.name = reader.input[index] = name
