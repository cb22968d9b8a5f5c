"""Pass `cim-calibrate`."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter, PythonValues
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from cimc.context import CimcContext, cimc_context
from cimc.data import batches, inputs_for
from cimc.dialects.cim.attributes import QuantizerAttr
from cimc.dialects.cim.layers import LayerOp, MatmulOp
from cimc.errors import CimcError
from cimc.interpreters.execute import Executor
from cimc.main_function import main_function
from cimc.passes.sign import never_negative
from cimc.runtime.calibration import METHODS, Method, Observer
from cimc.runtime.npz import load_npz
from cimc.runtime.quantization import Quantizer
from cimc.runtime.threads import one_thread


@dataclass(frozen=True)
class CimCalibratePass(ModulePass):
    """Chooses the quantisers of layers' inputs, and of computed stored operands, from sample data.

    The network runs in float on the data, and each layer that has no quantiser gets one for its width:
    unsigned after ReLU-like ops, else two's complement; a computed stored operand symmetric with a
    narrow range.

    Options:
    - `data`: an `.npz` file with the network's inputs; without it, all ranges are those of steps of 1, which
      is good for what does not depend on numbers, such as a timeline;
    - `method`: `mse` (default) clips the range where the mean squared error is least, which fits low widths
      as well as high ones; `percentile` keeps 99.9 % of the values; `minmax` keeps all;
    - `samples`: how many pictures at most.

    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 5>} : …
    ```
    becomes
    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 5>,
        input = #cim.quantizer<ui5, scale 0.25, zero_point 0>} : …
    ```
    """

    name = "cim-calibrate"

    data: str | None = None
    method: str = "mse"
    samples: int = 128

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        method: Method | None = next((m for m in METHODS if m == self.method), None)
        if method is None:
            raise CimcError(f"the method must be one of {', '.join(METHODS)}, got {self.method!r}")
        watched = _Watch()
        for layer in op.walk():
            if isinstance(layer, LayerOp) and not layer.is_integer and not layer.is_calibrated:
                watched.layers.append(layer)
        if not watched.layers:
            return
        if self.data is not None:
            self._watch(op, context, self.data, watched)
        for layer in watched.layers:
            precision = layer.precision
            if precision is None:
                raise CimcError(f"layer {layer.layer.data!r} has no precision; assign one first")
            for value, attribute, bits, signed, narrow in (
                (
                    layer.x,
                    "input",
                    precision.activation,
                    not never_negative(context, layer.x),
                    False,
                ),
                (layer.w, "stored", precision.weight, True, True),
            ):
                if attribute in layer.properties or (value is layer.w and not layer.is_computed):
                    continue
                if self.data is None:
                    quantizer = Quantizer(1.0, 0, bits, signed, narrow)
                else:
                    observer = watched.seen[value]
                    quantizer = observer.quantizer(bits, signed=signed, narrow=narrow, method=method)
                layer.properties[attribute] = QuantizerAttr(quantizer)

    def _watch(self, module: ModuleOp, context: CimcContext, data: str, watched: "_Watch") -> None:
        function = main_function(module)
        inputs = inputs_for(function, load_npz(Path(data)), data)
        executor = Executor(module, context.tensors)
        with one_thread():  # the same data give the same ranges, however many cores there are
            for batch in batches(function, inputs, self.samples):
                executor.run(batch, watched)


@dataclass
class _Watch(Interpreter.Listener):
    layers: list[LayerOp] = field(default_factory=list[LayerOp])
    seen_at: dict[SSAValue, LayerOp] = field(default_factory=dict[SSAValue, LayerOp])
    seen: dict[SSAValue, Observer] = field(default_factory=dict[SSAValue, Observer])

    def will_interpret_op(self, op: Operation, args: PythonValues) -> None:
        if not isinstance(op, LayerOp) or op not in self.layers:
            return
        for value, array in dict(zip(op.operands[:2], args, strict=False)).items():
            observed = value is op.x or (op.is_computed and isinstance(op, MatmulOp))
            if observed and self.seen_at.setdefault(value, op) is op:  # layers that share a value see it once
                if not np.isfinite(array).all():
                    raise CimcError(f"layer {op.layer.data!r}: the data gives values that are not finite")
                self.seen.setdefault(value, Observer()).see(array)
