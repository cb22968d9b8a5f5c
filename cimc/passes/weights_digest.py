"""Pass `weights-digest`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.weights import LoadOp
from cimc.interpreters.weights import loaded_array
from cimc.tensor_store import digest


@dataclass(frozen=True)
class WeightsDigestPass(ModulePass):
    """Writes the digest of each array next to its name, as is done before IR goes into a file.

    ```mlir
    %w = weights.load @w : tensor<2xf32>
    ```
    becomes
    ```mlir
    %w = weights.load @w digest "0b2f3c4d5e6f7a89" : tensor<2xf32>
    ```
    """

    name = "weights-digest"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        digests: dict[str, StringAttr] = {}
        for load in op.walk():
            if isinstance(load, LoadOp):
                if load.key not in digests:
                    digests[load.key] = StringAttr(digest(loaded_array(load, context.tensors)))
                load.digest = digests[load.key]
