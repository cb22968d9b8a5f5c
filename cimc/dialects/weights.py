"""The `weights` dialect: arrays that live beside the IR, named by it."""

from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    StringAttr,
    SymbolRefAttr,
    TensorType,
)
from xdsl.ir import Dialect
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParamAttrConstraint,
    VarConstraint,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure

from cimc.dialects.tensor_types import AnyTensor


@irdl_op_definition
class LoadOp(IRDLOperation):
    """The array called `symbol`; its values are in the context and in the `.safetensors` file.

    ```mlir
    %w = weights.load @conv1.weight digest "6f7a0d3b5b1e90cc" : tensor<64x3x7x7xf32>
    ```

    The digest (see `cimc.tensor_store.digest`) is put in when the IR is written to a file; a file
    whose array does not match it is refused.
    """

    name = "weights.load"

    symbol = prop_def(SymbolRefAttr)
    digest = opt_prop_def(StringAttr)
    result = result_def(TensorType.constr())

    traits = traits_def(Pure())
    assembly_format = "$symbol (`digest` $digest^)? attr-dict `:` type($result)"

    def __init__(self, symbol: str, type_: AnyTensor):
        super().__init__(properties={"symbol": SymbolRefAttr(symbol)}, result_types=[type_])

    @property
    def key(self) -> str:
        """The name under which the context holds the array."""
        return self.symbol.string_value()


@irdl_op_definition
class InlineOp(IRDLOperation):
    """A small array whose values stand in the text.

    ```mlir
    %scale = weights.inline dense<[0.5, 0.25]> : tensor<2xf32>
    ```
    """

    name = "weights.inline"

    _T: ClassVar = VarConstraint("T", TensorType.constr())

    value = prop_def(ParamAttrConstraint(DenseIntOrFPElementsAttr, (_T, AnyAttr())))
    result = result_def(_T)

    traits = traits_def(Pure())
    assembly_format = "$value attr-dict"

    def __init__(self, value: DenseIntOrFPElementsAttr):
        super().__init__(properties={"value": value}, result_types=[value.get_type()])


Weights = Dialect("weights", [InlineOp, LoadOp])
