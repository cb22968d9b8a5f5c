"""A network as a torch module, built from its layers in the `cim` dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from cimc.context import CimcContext
from cimc.dialects.cim.digital import ReshapeOp
from cimc.dialects.cim.layers import LayerOp, MatmulOp
from cimc.dialects.onnx.base import OnnxOp
from cimc.dialects.tensor_types import shape_of
from cimc.errors import CimcError, first_line
from cimc.locations import node_of
from cimc.main_function import main_function
from cimc.passes.constants import constant
from cimc.policy import Policy
from cimc.rl.network.layers import Layer, ProductLayer, WeightLayer
from cimc.rl.network.operators import NEEDS_IMPORTED_SHAPES, OPERATORS
from cimc.rl.network.operators.export import Operator
from cimc.rl.network.tensors import parts, tensor
from cimc.runtime.kernels import NEEDS_NUM_RESULTS

_TRAINED = frozenset({"Add", "BatchNormalization", "Concat", "Div", "LayerNormalization", "Mul", "Sub"})
"""Operators whose float constants are parameters of the network, such as gains and embeddings."""


@dataclass(frozen=True)
class _Step:
    """An op: what it reads and what it gives, as indices of values; None for an absent operand."""

    operands: tuple[int | None, ...]
    results: tuple[int | None, ...]
    dead: tuple[int, ...]
    """Values that nothing reads afterwards."""
    name: str
    """What to call the op in a message."""
    layer: int | None = None
    operator: Operator | None = None
    attributes: Mapping[str, object] | None = None


class Network(nn.Module):
    """The network of a module that `cim-drop-qdq` has left: layers, and digital ops in float around them.

    The module was imported for a batch of some size; the network takes any number of pictures, all at once
    where the graph allows it, else that many at a time. It computes in float until `quantize`.
    """

    def __init__(self, ctx: CimcContext, module: ModuleOp) -> None:
        """Raises `CimcError` if an op is of no use in training, or there is not one input."""
        super().__init__()
        function = main_function(module)
        if len(function.function_type.inputs) != 1:
            raise CimcError(
                f"a search needs a network of one input, not {len(function.function_type.inputs)}"
            )
        (x,) = function.args
        self.batch = shape_of(x)[0]
        self.input_shape = shape_of(x)[1:]
        self._numbers: dict[SSAValue, int] = {}
        self._parameter_names: dict[int, str] = {}
        self._constants: dict[int, Tensor] = {}
        """No buffers: those would be inputs to the exporter, which must see the numbers in sizes and axes."""
        self._layers = nn.ModuleList()
        self.layers: dict[str, Layer] = {}
        """By their names in the IR, in the order of the program."""
        self._input = self._number(x)
        ops = list(function.body.block.ops)
        last_uses = {operand: op for op in ops for operand in op.operands}
        steps: list[_Step] = []
        for op in ops:
            if isinstance(op, ReturnOp):
                self._output = self._operand(ctx, op.operands[0], trained=False)
            elif all(constant(ctx, result) is None for result in op.results):
                dead = [v for v in dict.fromkeys(op.operands) if last_uses[v] is op and v in self._numbers]
                step = self._step(ctx, op, [self._numbers[v] for v in dead if constant(ctx, v) is None])
                steps.append(step)
        self._steps = tuple(steps)
        self.unread_layers = self._unread()
        """Those that only other outputs than the first one depend on."""
        del self._numbers  # values of the IR would be copied and sent along with the network
        self._whole = True
        self._whole = self._takes_any_batch()

    def _unread(self) -> list[str]:
        needed = {self._output}
        unread: list[str] = []
        for step in reversed(self._steps):
            if needed.intersection(step.results):
                needed.update(n for n in step.operands if n is not None)
            elif step.layer is not None:
                unread.append(list(self.layers)[step.layer])
        return unread

    def _number(self, value: SSAValue) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    def _operand(self, ctx: CimcContext, value: SSAValue, *, trained: bool) -> int:
        number = self._number(value)
        array = constant(ctx, value)
        if array is None or number in self._constants or number in self._parameter_names:
            return number
        values = tensor(array)
        if trained and values.is_floating_point() and values.numel() > 1:
            name = self._parameter_names[number] = f"constant_{number}"
            self.register_parameter(name, nn.Parameter(values))
        else:
            self._constants[number] = values
        return number

    def _step(self, ctx: CimcContext, op: Operation, dead: Sequence[int]) -> _Step:
        if isinstance(op, LayerOp):
            layer = self.layers[op.layer.data] = _layer(ctx, op)
            self._layers.append(layer)
            values = (op.x, op.w) if op.is_computed else (op.x,)
            operands = tuple(self._operand(ctx, value, trained=False) for value in values)
            name = f"layer {op.layer.data!r}"
            results = (self._number(op.y),)
            return _Step(operands, results, tuple(dead), name, layer=len(self._layers) - 1)
        if isinstance(op, ReshapeOp):
            operands = (self._operand(ctx, op.x, trained=False),)
            results = (self._number(op.result),)
            return _Step(operands, results, tuple(dead), node_of(op), operator=_reshape(op))
        if not isinstance(op, OnnxOp) or op.op_type not in OPERATORS:
            raise CimcError(f"{node_of(op)}: a search has no torch operator for it")
        attributes = op.onnx_attributes()
        present = [value for value in op.onnx_operands() if value is not None]
        if op.op_type in NEEDS_IMPORTED_SHAPES:
            attributes["imported"] = tuple(shape_of(value) for value in present)
        if op.op_type in NEEDS_NUM_RESULTS:
            attributes["num_results"] = len(op.results)
        trained = op.op_type in _TRAINED
        operands = tuple(
            None if v is None else self._operand(ctx, v, trained=trained) for v in op.onnx_operands()
        )
        results = tuple(None if r is None else self._number(r) for r in op.onnx_results())
        return _Step(
            operands,
            results,
            tuple(dead),
            node_of(op),
            operator=OPERATORS[op.op_type],
            attributes=attributes,
        )

    def forward(self, x: Tensor) -> Tensor:
        """The first output, of pictures [n, ...]. Raises `CimcError` for shapes that do not go together."""
        if self._whole or len(x) == self.batch:
            return self._run(x)
        missing = -len(x) % self.batch
        padded = torch.cat([x, x[-1:].expand(missing, *x.shape[1:])]) if missing else x
        return torch.cat([self._run(part) for part in parts(padded, self.batch)])[: len(x)]

    def _run(self, x: Tensor) -> Tensor:
        values = {**self._constants, self._input: x}
        values.update((number, getattr(self, name)) for number, name in self._parameter_names.items())
        for step in self._steps:
            inputs = [None if n is None else values[n] for n in step.operands]
            try:
                results = self._results(step, inputs)
            except (RuntimeError, IndexError, ValueError) as error:
                raise CimcError(f"{step.name}: it fails in torch: {first_line(error)}") from error
            for number, result in zip(step.results, results, strict=False):
                if number is not None:
                    values[number] = result
            for number in step.dead:
                del values[number]
        return values[self._output]

    def _results(self, step: _Step, inputs: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        if step.layer is not None:
            return (self._layers[step.layer](*inputs),)
        assert step.operator is not None
        return step.operator(*inputs, **(step.attributes or {}))

    @torch.no_grad()
    def _takes_any_batch(self) -> bool:
        """Whether pictures can be computed together: whether that gives what they give by themselves."""
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(3 * self.batch, *self.input_shape, generator=generator)
        try:
            together = self._run(x)
        except CimcError:
            return False
        apart = torch.cat([self._run(part) for part in parts(x, self.batch)])
        return together.shape == apart.shape and torch.allclose(together, apart, rtol=1e-3, atol=1e-4)

    @property
    def takes_any_batch(self) -> bool:
        """Whether pictures are computed together, whatever batch the file is for."""
        return self._whole

    def quantize(self, quantized: bool = True) -> None:
        """Computes quantised, or in float."""
        for layer in self.layers.values():
            layer.quantized, layer.frozen = quantized, False

    def freeze(self) -> None:
        """Computes quantised, as it is now, and fast; until widths are set anew, or it is quantised anew."""
        for layer in self.layers.values():
            layer.quantized = True
            layer.freeze()

    def set_widths(self, policy: Policy) -> None:
        """Gives each layer that the policy names its widths. Raises `KeyError` for others."""
        for name, widths in policy.items():
            self.layers[name].set_widths(widths)

    def weight_layers(self) -> list[WeightLayer]:
        """The layers with weights of their own, in the order of the program."""
        return [layer for layer in self.layers.values() if isinstance(layer, WeightLayer)]


def _reshape(op: ReshapeOp) -> Operator:
    """A reshape for any batch, if that is the first axis."""
    shape = shape_of(op.result)
    stored = all(isinstance(use.operation, MatmulOp) and use.index == 1 for use in op.result.uses)
    if stored and shape == shape_of(op.x)[-len(shape) :]:
        # The only matrix of a batch of one: torch multiplies each picture with its own.
        return _same
    return partial(_reshaped, shape=(-1, *shape[1:]))


def _same(x: Tensor) -> tuple[Tensor]:
    return (x,)


def _reshaped(x: Tensor, shape: Sequence[int]) -> tuple[Tensor]:
    return (x.reshape(shape),)


def _layer(ctx: CimcContext, op: LayerOp) -> Layer:
    if not op.is_computed:
        return WeightLayer(ctx, op)
    assert isinstance(op, MatmulOp), "weights of convolutions are constant"
    return ProductLayer(ctx, op)
