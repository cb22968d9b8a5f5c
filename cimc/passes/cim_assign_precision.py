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
    """Gives layers the precision of a policy. Raises `CimcError` if it names a layer that is not there.

    A layer takes the entry of the first of its names that the policy has, so that layers which share their
    weights, or come from one module, may share an entry.
    """
    known = [name for layer in layers for name in layer.all_names()]
    for name in policy:
        if name not in known:
            raise unknown_layer(name, known)
    for layer in layers:
        widths = next((policy[name] for name in layer.all_names() if name in policy), None)
        if widths is not None:
            layer.precision = _attribute(widths)


def _attribute(widths: Widths) -> PrecisionAttr:
    return PrecisionAttr(widths.weight_bits, widths.activation_bits)
