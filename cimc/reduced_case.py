"""The part of a network on which a pass changes a number, cut out and written as a FileCheck test."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.interpreter import Interpreter, PythonValues
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from cimc.context import CimcContext
from cimc.data import save_npz
from cimc.dialects.weights import LoadOp
from cimc.dialects.xbar import CrossbarType
from cimc.errors import CimcError
from cimc.interpreters.execute import execute
from cimc.ir_files import print_module
from cimc.locations import names_of
from cimc.main_function import input_names, main_function, name_attributes
from cimc.passes.constants import constant
from cimc.passes.weights_inline import WeightsInlinePass
from cimc.random_inputs import random_inputs
from cimc.runtime.arrays import Array
from cimc.tensor_store import TensorStore, write_text

Inputs = Mapping[str, Array]

Differ = Callable[[Array, Array], bool]
"""Whether a pass must not make the second array of the first one."""

MOST_INLINE = 4096
"""Numbers of an array that stand in the text; larger ones lie beside it."""


@dataclass
class Watch(Interpreter.Listener):
    """The arrays of a run: of each value, and the last floats that each node of the model gives."""

    values: dict[SSAValue, Array] = field(default_factory=dict[SSAValue, Array])
    nodes: dict[str, Operation] = field(default_factory=dict[str, Operation])

    def did_interpret_op(self, op: Operation, results: PythonValues) -> None:
        for value, result in zip(op.results, results, strict=True):
            if isinstance(result, np.ndarray):
                self.values[value] = result
        names = names_of(op)
        if names and op.results and self.values.get(op.results[0], np.zeros(0, np.int8)).dtype.kind == "f":
            self.nodes[names[0]] = op

    def floats_of(self, node: str) -> Array:
        """What a node gives."""
        return self.values[self.nodes[node].results[0]]


def watched(module: ModuleOp, tensors: TensorStore, inputs: Inputs) -> Watch:
    """Runs a module, and keeps all its arrays."""
    watch = Watch()
    function = main_function(module)
    watch.values |= {a: inputs[n] for a, n in zip(function.args, input_names(function), strict=True)}
    execute(module, tensors, inputs, watch)
    return watch


def first_that_differs(before: Watch, after: Watch, differ: Differ) -> str | None:
    """The first node, in the order of the program, that gives other floats than before."""
    for node in after.nodes:
        if node in before.nodes and differ(before.floats_of(node), after.floats_of(node)):
            return node
    return None


def reduced_case(
    ctx: CimcContext, module: ModuleOp, watch: Watch, node: str, change: ModulePass, differ: Differ
) -> tuple[ModuleOp, Inputs]:
    """The smallest part tried of a module on which a pass changes what a node gives, and inputs for it.

    Tried are the ops of the node alone, then all that it is computed from, on random inputs and on those
    that it had. If none shows the difference, it is the module itself.
    """
    last = watch.nodes[node]
    function = main_function(module)
    for ops in (_of_node(function, node, last), _behind(last)):
        outside = _outside(ctx, ops)
        if any(isinstance(value.type, CrossbarType) for value in outside):
            continue  # a crossbar cannot be an input
        part = _cut(ctx, module, ops, outside, last)
        known = {f"x{i}": watch.values[value] for i, value in enumerate(outside)}
        for inputs in (random_inputs(main_function(part)), known):
            if _shows(ctx, part, inputs, change, differ):
                return part, inputs
    return module.clone(), {
        n: watch.values[a] for a, n in zip(function.args, input_names(function), strict=True)
    }


def write_case(
    ctx: CimcContext, module: ModuleOp, inputs: Inputs, change: ModulePass, message: str, path: Path
) -> None:
    """Writes a FileCheck test that fails as long as a pass changes a number of a module.

    Large arrays, and inputs that are not those that `--check-each-pass` takes by itself, lie beside it.
    """
    WeightsInlinePass(MOST_INLINE).apply(ctx, module)
    option = ""
    usual = random_inputs(main_function(module))
    if any(not np.array_equal(inputs[name], array, equal_nan=True) for name, array in usual.items()):
        save_npz(path.with_suffix(".npz"), inputs)
        option = f" --input %S/{path.stem}.npz"
    loads = {op.key for op in module.walk() if isinstance(op, LoadOp)}
    if loads:
        ctx.tensors.save(path.with_suffix(".safetensors"), loads)
    command = f"cimc-opt %s -p '{change.pipeline_pass_spec()}' --check-each-pass{option} | filecheck %s"
    text = f"// RUN: {command}\n// {message}\n\n// CHECK: func.func @main\n\n{print_module(module)}"
    write_text(path, text)


def _of_node(function: FuncOp, node: str, last: Operation) -> list[Operation]:
    """The ops that come from a node of the model, up to its last one."""
    found: list[Operation] = []
    for op in function.body.block.ops:
        if names_of(op)[:1] == [node]:
            found.append(op)
        if op is last:
            break
    return found


def _behind(last: Operation) -> list[Operation]:
    """All ops that an op is computed from, and itself, in the order of the program."""
    block = last.parent
    assert block is not None
    needed = {last}
    for op in reversed(list(block.ops)):
        if op in needed:
            needed.update(v.owner for v in op.operands if isinstance(v.owner, Operation))
    return [op for op in block.ops if op in needed]


def _outside(ctx: CimcContext, ops: Iterable[Operation]) -> list[SSAValue]:
    """What ops read that they do not compute, constants apart."""
    ops = list(ops)
    inside = {result for op in ops for result in op.results}
    read = dict.fromkeys(value for op in ops for value in op.operands if value not in inside)
    return [v for v in read if isinstance(v, BlockArgument) or constant(ctx, v) is None]


def _cut(
    ctx: CimcContext, module: ModuleOp, ops: Iterable[Operation], outside: list[SSAValue], last: Operation
) -> ModuleOp:
    """A module of some ops, whose inputs `x0`, `x1` are what they read from outside."""
    block = Block(arg_types=[value.type for value in outside])
    copies: dict[SSAValue, SSAValue] = dict(zip(outside, block.args, strict=True))

    def copy(op: Operation) -> None:
        for value in op.operands:
            if value not in copies and isinstance(value.owner, Operation):
                copy(value.owner)  # a constant
        block.add_op(op.clone(copies))

    for op in ops:
        if any(result not in copies for result in op.results):
            copy(op)
    block.add_op(ReturnOp(copies[last.results[0]]))
    types = FunctionType.from_lists(block.arg_types, [last.results[0].type])
    function = FuncOp("main", types, Region(block))
    function.arg_attrs = name_attributes([f"x{i}" for i in range(len(outside))])
    function.res_attrs = name_attributes(["y"])
    return ModuleOp([function], dict(module.attributes))


def _shows(ctx: CimcContext, module: ModuleOp, inputs: Inputs, change: ModulePass, differ: Differ) -> bool:
    """Whether a pass changes what a module gives."""
    changed = module.clone()
    try:
        (expected,) = execute(module, ctx.tensors, inputs).values()
        change.apply(ctx, changed)
        (found,) = execute(changed, ctx.tensors, inputs).values()
    except CimcError:
        return False
    return differ(expected, found)
