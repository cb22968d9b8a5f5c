"""Operators that stay the ONNX nodes they were when torch exports them.

Traced through, one node would become several: torch has no pads that differ from side to side, and
writes arithmetic on shapes for many functions.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import onnx
import torch
from torch import Tensor

Operator = Callable[..., tuple[Tensor, ...]]

# How the exporter marks the types of attributes, by numpy's kinds of elements.
_SUFFIXES = {"i": "i", "f": "f", "U": "s"}


def as_node(op_type: str, operator: Operator, domain: str = "") -> Operator:
    """`operator`, which becomes one node of type `op_type` in an export."""

    def run(*inputs: Tensor | None, **attributes: Any) -> tuple[Tensor, ...]:
        if not torch.onnx.is_in_onnx_export():
            return operator(*inputs, **attributes)
        return cast(Any, _Node).apply(operator, op_type, domain, attributes, *inputs)

    return run


def as_nodes(operators: Mapping[str, Operator]) -> dict[str, Operator]:
    """Each operator as a node of the type that it is named by."""
    return {op_type: as_node(op_type, operator) for op_type, operator in operators.items()}


class _Node(torch.autograd.Function):
    """A call of an operator that the exporter does not look into."""

    @staticmethod
    def forward(
        ctx: Any,
        operator: Operator,
        op_type: str,
        domain: str,
        attributes: dict[str, Any],
        *inputs: Tensor | None,
    ) -> tuple[Tensor, ...]:
        return operator(*inputs, **attributes)

    @staticmethod
    def symbolic(
        g: Any, operator: Operator, op_type: str, domain: str, attributes: dict[str, Any], *inputs: Any
    ) -> Any:
        named = dict(attributes)
        num_results = named.pop("num_results", 1)
        written = {
            f"{name}_{_SUFFIXES[np.asarray(value).dtype.kind]}": value
            for name, value in _without_defaults(op_type, domain, named).items()
        }
        return g.op(f"{domain}::{op_type}" if domain else op_type, *inputs, outputs=num_results, **written)


def _without_defaults(op_type: str, domain: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes without those that say what ONNX assumes anyway, as an old opset may not have them."""
    if domain:
        return dict(attributes)
    defaults = {
        name: onnx.helper.get_attribute_value(attribute.default_value)
        for name, attribute in onnx.defs.get_schema(op_type).attributes.items()
        if attribute.default_value.name
    }
    return {
        name: value
        for name, value in attributes.items()
        if (value.encode() if isinstance(value, str) else value) not in (None, (), [], defaults.get(name))
    }
