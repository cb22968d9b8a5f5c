"""Several vectors, groups and heads in one: how packed matrices are fed, made and read."""

from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.cim.attributes import PackingAttr
from cimc.dialects.cim.constraints import CODES
from cimc.dialects.tensor_types import Shape, element_type, shape_of


class _PackingOp(IRDLOperation):
    """An op on [matrices, ., .] that packs along the matrices and one axis of vectors."""

    packing = prop_def(PackingAttr)

    def sizes(self) -> tuple[int, int]:
        """Groups, and positions along the only axis. Raises `VerifyException` if there are more axes."""
        packing = self.packing.data
        if len(packing.positions) != 1:
            raise VerifyException("vectors have one axis of positions")
        return packing.groups, packing.positions[0]

    def verify_shapes(self, loose: Shape, packed: Shape, expected: Shape) -> None:
        """The packed shape is the one that the loose one gives; elements keep their type."""
        if len(loose) != 3 or packed != expected:
            raise VerifyException(f"{loose} packs to {expected}, not to {packed}")
        if element_type(self.operands[0]) != element_type(self.results[0]):
            raise VerifyException("packing keeps the type of the elements")


@irdl_op_definition
class PackVectorsOp(_PackingOp):
    """Vectors [matrices, vectors, inputs], those of some matrices and of neighbours as one.

    ```mlir
    %p = cim.pack_vectors %v {packing = #cim.packing<groups 4, positions [1]>}
        : tensor<12x50x64xui8> -> tensor<3x50x256xui8>
    ```
    """

    name = "cim.pack_vectors"

    x = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` type($x) `->` type($result)"

    def verify_(self) -> None:
        (m, v, n), (groups, positions) = shape_of(self.x), self.sizes()
        expected = (-(-m // groups), -(-v // positions), groups * positions * n)
        self.verify_shapes(shape_of(self.x), shape_of(self.result), expected)


@irdl_op_definition
class UnpackSumsOp(_PackingOp):
    """Sums of packed vectors as [matrices, vectors, outputs]: the inverse of `cim.pack_vectors`.

    ```mlir
    %s = cim.unpack_sums %p {packing = #cim.packing<groups 4, positions [1]>}
        : tensor<3x50x200xsi32> -> tensor<12x50x50xsi32>
    ```
    """

    name = "cim.unpack_sums"

    sums = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$sums attr-dict `:` type($sums) `->` type($result)"

    def verify_(self) -> None:
        (m, v, n), (groups, positions) = shape_of(self.result), self.sizes()
        expected = (-(-m // groups), -(-v // positions), groups * positions * n)
        self.verify_shapes(shape_of(self.result), shape_of(self.sums), expected)


@irdl_op_definition
class BlockDiagonalOp(_PackingOp):
    """Stored matrices [matrices, inputs, outputs], some on the diagonal of one, each for some vectors.

    ```mlir
    %d = cim.block_diagonal %w {packing = #cim.packing<groups 4, positions [1]>}
        : tensor<12x64x50xui8> -> tensor<3x256x200xui8>
    ```
    """

    name = "cim.block_diagonal"

    w = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$w attr-dict `:` type($w) `->` type($result)"

    def verify_(self) -> None:
        (m, k, n), (groups, positions) = shape_of(self.w), self.sizes()
        size = groups * positions
        self.verify_shapes(shape_of(self.w), shape_of(self.result), (-(-m // groups), size * k, size * n))


@irdl_op_definition
class TransposeOp(IRDLOperation):
    """Matrices with rows and columns exchanged: [..., a, b] to [..., b, a].

    ```mlir
    %t = cim.transpose %w : tensor<12x50x64xsi8> -> tensor<12x64x50xsi8>
    ```
    """

    name = "cim.transpose"

    x = operand_def(CODES)
    result = result_def(CODES)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` type($x) `->` type($result)"

    def verify_(self) -> None:
        *batch, a, b = shape_of(self.x)
        if shape_of(self.result) != (*batch, b, a) or element_type(self.x) != element_type(self.result):
            raise VerifyException(f"the result has shape {(*batch, b, a)} and the same elements")
