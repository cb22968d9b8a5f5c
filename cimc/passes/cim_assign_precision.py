"""Pass `cim-assign-precision`."""

from dataclasses import dataclass
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.dialects.cim.attributes import PrecisionAttr
from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError
from cimc.policy import Policy, Widths, load_policy, unknown_layer


@dataclass(frozen=True)
class CimAssignPrecisionPass(ModulePass):
    """Writes `#cim.precision` on layers: those of a policy file, or one for all.

    Options:
    - `policy`: a JSON file, `{"conv1": {"weight_bits": 4, "activation_bits": 5}, ...}`; a layer may go by
      any of its names, and layers that it leaves out keep what they have;
    - `weight-bits`, `activation-bits`: the widths of all layers.

    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 8>} : …
    ```
    becomes, with `{weight-bits=4 activation-bits=5}`,
    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 4, activation 5>} : …
    ```
    """

    name = "cim-assign-precision"

    policy: str | None = None
    weight_bits: int | None = None
    activation_bits: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        layers = [layer for layer in op.walk() if isinstance(layer, LayerOp)]
        if self.policy is not None:
            assign_policy(layers, load_policy(Path(self.policy)))
        if self.weight_bits is None and self.activation_bits is None:
            return
        if self.weight_bits is None or self.activation_bits is None:
            raise CimcError("cim-assign-precision: give both weight-bits and activation-bits")
        widths = Widths(self.weight_bits, self.activation_bits)
        for layer in layers:
            layer.precision = _attribute(widths)


def assign_policy(layers: list[LayerOp], policy: Policy) -> None:
    """Gives layers the precision of a policy. Raises `CimcError` if it names a layer that is not there."""
    by_name = {name: layer for layer in layers for name in reversed(layer.all_names())}
    by_name.update({layer.layer.data: layer for layer in layers})
    for name, widths in policy.items():
        if name not in by_name:
            raise unknown_layer(name, list(by_name))
        by_name[name].precision = _attribute(widths)


def _attribute(widths: Widths) -> PrecisionAttr:
    return PrecisionAttr(widths.weight_bits, widths.activation_bits)
