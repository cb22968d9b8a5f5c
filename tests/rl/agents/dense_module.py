"""A module of dense layers, for agents that edit the IR."""

from dataclasses import replace
from pathlib import Path

from rl.agents.additive import AdditiveWorld
from tools.tiny_models import model, node, serialized, weights
from xdsl.dialects.builtin import ModuleOp

from cimc.context import new_context
from cimc.driver import run_pipeline
from cimc.frontend.importer import import_onnx
from cimc.pipelines import layers_pipeline
from cimc.what_if import layers_of


def module_of(layers: int, path: Path) -> ModuleOp:
    """So many products, one after the other."""
    names = ["x", *(f"h{i}" for i in range(layers - 1)), "y"]
    nodes = [node("MatMul", f"{names[i]} w{i}", names[i + 1]) for i in range(layers)]
    path.write_bytes(serialized(model(nodes, [1, 4], **{f"w{i}": weights(4, 4) for i in range(layers)})))
    ctx = new_context()
    module = import_onnx(path, ctx.tensors, 1)
    run_pipeline(ctx, module, layers_pipeline())
    return module


def with_names(world: AdditiveWorld, module: ModuleOp) -> AdditiveWorld:
    """The world with the names of the module's layers."""
    names = tuple(layer.layer.data for layer in layers_of(module))
    return replace(world, space=replace(world.space, layers=names))
