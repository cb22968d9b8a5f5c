"""The parts of a module that everyone needs: the function `main`, its names, the target."""

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp

from cimc.dialects.cim.attributes import TARGET, TargetAttr
from cimc.errors import CimcError
from cimc.target import DEFAULT_TARGET, Target, load_target

ONNX_NAME = "onnx.name"
"""The attribute of the function's arguments and results that holds the graph's own name for them."""


def main_function(module: ModuleOp) -> FuncOp:
    """The function that is the network. Raises `CimcError` if there is none of one block of ops."""
    for op in module.body.block.ops:
        if isinstance(op, FuncOp) and op.sym_name.data == "main" and len(op.body.blocks) == 1:
            return op
    raise CimcError("the program has no function 'main' of one block")


def name_attributes(names: Sequence[str]) -> ArrayAttr[DictionaryAttr]:
    """The function's attributes that keep the graph's names."""
    return ArrayAttr([DictionaryAttr({ONNX_NAME: StringAttr(name)}) for name in names])


def input_names(function: FuncOp) -> list[str]:
    """The names of the graph's inputs."""
    return _names(function.arg_attrs, len(function.function_type.inputs), "x")


def output_names(function: FuncOp) -> list[str]:
    """The names of the graph's outputs."""
    return _names(function.res_attrs, len(function.function_type.outputs), "y")


def _names(attributes: ArrayAttr[DictionaryAttr] | None, count: int, default: str) -> list[str]:
    names: list[str] = []
    for index in range(count):
        name = attributes.data[index].data.get(ONNX_NAME) if attributes else None
        names.append(name.data if isinstance(name, StringAttr) else f"{default}{index}")
    return names


def target_of(module: ModuleOp) -> Target:
    """The target the module is compiled for: the default one if it does not say."""
    attribute = module.attributes.get(TARGET)
    return attribute.data if isinstance(attribute, TargetAttr) else load_target(DEFAULT_TARGET)


def set_target(module: ModuleOp, target: Target) -> None:
    """Writes the target into the module, from where passes and the simulator read it."""
    module.attributes[TARGET] = TargetAttr(target)
