"""Pass `xbar-calibrate-adc`."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f64
from xdsl.interpreter import Interpreter, PythonValues
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.data import batches, inputs_for
from cimc.dialects.tensor_types import integer_of
from cimc.dialects.xbar import MvmOp
from cimc.errors import CimcError
from cimc.interpreters.cim import all_vectors
from cimc.interpreters.execute import Executor
from cimc.main_function import main_function, target_of
from cimc.runtime.analog.adc_calibration import ADC_METHODS, AdcMethod, SumHistogram
from cimc.runtime.analog.cells import Cells
from cimc.runtime.analog.chip import read_parts
from cimc.runtime.analog.conductances import programmed
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.npz import load_npz
from cimc.target import Target

_VECTORS = 256
"""Of a batch of vectors, so many at most are looked at, evenly spaced."""


@dataclass(frozen=True)
class XbarCalibrateAdcPass(ModulePass):
    """Chooses the range of each layer's ADCs from the sums that sample data gives.

    Without it, ADCs hold the largest sum that the rows of a tile can give, which is many times what they do
    give, so that most codes are never used. The network runs on ideal converters; noise of cells is not
    looked at, but their on/off ratio and levels are.

    Options:
    - `data`: an `.npz` file with the network's inputs;
    - `method`: `mse` (default) makes the squared error of products least, `percentile` holds so many reads;
    - `percentile`: how many, in percent;
    - `samples`: how many pictures at most.

    ```mlir
    %sums, %xb2 = xbar.mvm %xb1, %v, %0 layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
    ```
    becomes
    ```mlir
    %sums, %xb2 = xbar.mvm %xb1, %v, %0 layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
        adc_range 2.310000e+02
    ```
    """

    name = "xbar-calibrate-adc"

    data: str
    method: str = "mse"
    percentile: float = 99.99
    samples: int = 128

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        method: AdcMethod | None = next((m for m in ADC_METHODS if m == self.method), None)
        if method is None:
            raise CimcError(f"the method must be one of {', '.join(ADC_METHODS)}, got {self.method!r}")
        if not 0 < self.percentile <= 100:
            raise CimcError(f"percentile must be above 0 and at most 100, got {self.percentile}")
        target = target_of(op)
        bits = target.adc.bits
        if bits is None:
            raise CimcError(f"the ADCs of target {target.name} are ideal: say first how many bits they have")
        mvms = [mvm for mvm in op.walk() if isinstance(mvm, MvmOp)]
        if not mvms:
            raise CimcError("there is no xbar.mvm: only a program at the xbar level has ADCs")
        watch = _Watch(target)
        function = main_function(op)
        inputs = inputs_for(function, load_npz(Path(self.data)), self.data)
        executor = Executor(op, cimc_context(ctx).tensors)
        for batch in batches(function, inputs, self.samples):
            executor.run(batch, watch)
        limits = {layer: seen.limit(method, bits, self.percentile) for layer, seen in watch.seen.items()}
        for mvm in mvms:
            mvm.properties["adc_range"] = FloatAttr(limits[mvm.layer.data], f64)


@dataclass
class _Watch(Interpreter.Listener):
    target: Target
    seen: defaultdict[str, SumHistogram] = field(default_factory=lambda: defaultdict(SumHistogram))

    def will_interpret_op(self, op: Operation, args: PythonValues) -> None:
        if not isinstance(op, MvmOp):
            return
        crossbar, vectors, _ = args
        content: ProgrammedTile = crossbar.content
        tile, encoding = content.tile, op.encoding.data
        streaming = vectors[tile.matrix, all_vectors(op).index]
        some = streaming[:: max(1, len(streaming) // _VECTORS)]
        signed = some.dtype.kind == "i"
        digits = self.target.analog.digits(encoding, integer_of(op.vectors).width.data, signed)
        driven = digits.of(encoding.driven(some, tile)).astype(np.float32)
        cells = Cells(on_off_ratio=self.target.cells.on_off_ratio, levels=self.target.cells.levels)
        codes = tile.cells_of(content.matrices)
        g = programmed(codes, cells, encoding.cell_bits, None, np.random.default_rng(0))
        for part in read_parts(cells, g, tile, encoding):
            sums = driven @ part.weights.astype(np.float32)
            factors = np.concatenate([np.full(read.width, float(read.factor)) for read in part.reads])
            counts_for = digits.places[:, None, None] * factors
            self.seen[op.layer.data].see(sums, counts_for, symmetric=part.reads[0].symmetric)
