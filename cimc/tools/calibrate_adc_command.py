"""What `cimc calibrate-adc` does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cimc.main_function import set_target, target_of
from cimc.passes.xbar_calibrate_adc import XbarCalibrateAdcPass
from cimc.program import load
from cimc.tensor_store import check_output
from cimc.tools.progress import show_work


@dataclass(frozen=True)
class CalibrateAdcArguments:
    """The command line of `cimc calibrate-adc`."""

    program: Path
    data: Path
    output: Path
    adc_bits: int | None
    method: str
    percentile: float


def calibrate_adc_main(args: CalibrateAdcArguments) -> None:
    """Writes a program with its ADCs' ranges. Raises `CimcError` for whatever the user got wrong."""
    check_output(args.output, ".mlir")
    program = load(args.program)
    if args.adc_bits is not None:
        target = target_of(program.module)
        set_target(program.module, target.with_adc(args.adc_bits, target.adc.range))
    calibrate = XbarCalibrateAdcPass(str(args.data), args.method, args.percentile)
    with show_work(f"{args.program.name}: reads of {args.data.name}"), np.errstate(all="ignore"):
        calibrate.apply(program.ctx, program.module)
    program.save(args.output)
