"""What each width of each layer costs: the compiler's own mapping and report of the IR."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext
from cimc.dialects.cim.attributes import PrecisionAttr
from cimc.driver import run_pipeline
from cimc.layer_work import works_of_layers
from cimc.main_function import target_of
from cimc.pipelines import Options, OptLevel, mapping_pipeline
from cimc.policy import Widths
from cimc.runtime.arrays import Array
from cimc.schedule.allot import allot
from cimc.schedule.list_schedule import list_schedule, sequential
from cimc.schedule.work import LayerWork, Machine, machine_of
from cimc.what_if import layers_of


def latency_table(
    ctx: CimcContext,
    module: ModuleOp,
    options: Options,
    widths: Sequence[Widths],
) -> Array:
    """The latency of each layer in each width, ps, int64 [layers, widths].

    All layers get the same width, are mapped as the options say, and reported; that gives a column of the
    table, for layers are mapped one by one. A layer counts as if it had all crossbars for itself.
    """
    columns: list[list[int]] = []
    for option in widths:
        copy = module.clone()
        for layer in layers_of(copy):
            layer.precision = PrecisionAttr(option.weight_bits, option.activation_bits)
        run_pipeline(ctx, copy, mapping_pipeline(options), verify_each=False)
        machine = machine_of(target_of(copy))
        works = [work for _, work in works_of_layers(ctx, copy)]
        columns.append([alone_ps(work, machine, options.opt_level) for work in works])
    return np.array(columns, np.int64).T


def alone_ps(work: LayerWork, machine: Machine, opt_level: OptLevel) -> int:
    """The latency of a layer that has all crossbars for itself; `-O0` takes one tile after the other."""
    solo = LayerWork(work.name, work.tiles, work.vectors, work.vector_ps)
    if opt_level == 0:
        return sequential([solo], machine).end_ps
    return list_schedule([solo], allot([solo], machine), machine).end_ps
