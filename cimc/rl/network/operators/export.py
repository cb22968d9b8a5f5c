"""Operators that stay the ONNX nodes they were when torch exports them.

Traced through, one node would become several: torch has no pads that differ from side to side, and
writes arithmetic on shapes for many functions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnx
import torch
from torch import Tensor

Operator = Callable[..., tuple[Tensor, ...]]

# How the exporter marks the types of attributes, by numpy's kinds of elements.
_SUFFIXES = {"i": "i", "f": "f", "U": "s"}


@dataclass(frozen=True)
class _Call:
    """An operator with all that are not tensors."""

    op_type: str
    domain: str
    operator: Operator
    attributes: Mapping[str, Any]
    present: Sequence[bool]
    """Which of the inputs are not left out."""

    def arrange(self, tensors: Iterable[Any], absent: Callable[[], Any]) -> list[Any]:
        """The inputs by position."""
        remaining = iter(tensors)
        return [next(remaining) if there else absent() for there in self.present]


def as_node(op_type: str, operator: Operator, domain: str = "") -> Operator:
    """`operator`, which becomes one node of type `op_type` in an export."""

    def run(*inputs: Tensor | None, **attributes: Any) -> tuple[Tensor, ...]:
        if not torch.onnx.is_in_onnx_export():
            return operator(*inputs, **attributes)
        call = _Call(op_type, domain, operator, attributes, [x is not None for x in inputs])
        return cast(Any, _Node).apply(call, *(x for x in inputs if x is not None))

    return run


def as_nodes(operators: Mapping[str, Operator]) -> dict[str, Operator]:
    """Each operator as a node of the type that it is named by."""
    return {op_type: as_node(op_type, operator) for op_type, operator in operators.items()}


class _Node(torch.autograd.Function):
    """A call of an operator that the exporter does not look into."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> tuple[Tensor, ...]:
        return call.operator(*call.arrange(tensors, lambda: None), **call.attributes)

    @staticmethod
    def symbolic(g: Any, call: _Call, *values: Any) -> Any:
        def absent() -> Any:
            value = g.op("prim::Constant")
            value.setType(cast(Any, torch.OptionalType).ofTensor())
            return value

        attributes = dict(call.attributes)
        outputs = attributes.pop("num_results", 1)
        written = {
            f"{name}_{_SUFFIXES[np.asarray(value).dtype.kind]}": value
            for name, value in _without_defaults(call, attributes).items()
        }
        name = f"{call.domain}::{call.op_type}" if call.domain else call.op_type
        return g.op(name, *call.arrange(values, absent), outputs=outputs, **written)


def _without_defaults(call: _Call, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes without those that say what ONNX assumes anyway, as an old opset may not have them."""
    if call.domain:
        return dict(attributes)
    defaults = {
        name: onnx.helper.get_attribute_value(attribute.default_value)
        for name, attribute in onnx.defs.get_schema(call.op_type).attributes.items()
        if attribute.default_value.name
    }
    return {
        name: value
        for name, value in attributes.items()
        if (value.encode() if isinstance(value, str) else value) not in (None, (), [], defaults.get(name))
    }
