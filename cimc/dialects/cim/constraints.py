"""Constraints that the ops of the dialect share."""

from xdsl.dialects.builtin import AnyFloatConstr, IntegerAttr, IntegerType, TensorType, i64
from xdsl.irdl import AtLeast, BaseAttr

TENSOR = TensorType.constr()
FLOATS = TensorType.constr(AnyFloatConstr)
CODES = TensorType.constr(BaseAttr(IntegerType))
"""Integers; their width and sign say how many bits they need."""

COUNT = IntegerAttr.constr(i64, value=AtLeast(1))
"""How many, one at least."""
