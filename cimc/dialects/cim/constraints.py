"""Constraints that the ops of the dialect share."""

from xdsl.dialects.builtin import AnyFloatConstr, IntegerType, TensorType
from xdsl.irdl import BaseAttr

TENSOR = TensorType.constr()
FLOATS = TensorType.constr(AnyFloatConstr)
CODES = TensorType.constr(BaseAttr(IntegerType))
"""Integers; their width and sign say how many bits they need."""
