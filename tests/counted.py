"""What a program's clock has counted, against the report's formulas and what the program writes."""

from collections import defaultdict

import numpy as np
from xdsl.ir import Operation, SSAValue

from cimc.dialects.xbar import WriteOp
from cimc.program import Program
from cimc.runtime.arrays import Array


def is_computed(value: SSAValue) -> bool:
    """Whether a value comes from the program's inputs."""
    above, seen = [value], set[SSAValue]()
    while above:
        value = above.pop()
        if not isinstance(value.owner, Operation):
            return True
        above += [operand for operand in value.owner.operands if operand not in seen]
        seen.update(above)
    return False


def check_counters(program: Program) -> None:
    """The report's formulas give what the clock has counted, and it has counted what was written."""
    report, timeline = program.report(), program.timeline
    assert timeline is not None
    assert {layer.shape.name: layer.cost for layer in report.layers} == timeline.layers
    assert (report.digital, report.wear) == (timeline.digital, timeline.wear)
    table, total = report["total"], timeline.total
    assert {key: table[key] for key in vars(total) if key in table} == {
        key: value for key, value in vars(total).items() if key in table
    }
    writes = [op for op in program.module.walk() if isinstance(op, WriteOp)]
    events = [event for event in timeline.events if event.kind == "write"]
    cells: defaultdict[int, Array] = defaultdict(lambda: np.zeros((report.target.rows, report.target.cols)))
    constant: defaultdict[int, list[bool]] = defaultdict(list)
    for op, event in zip(writes, events, strict=True):
        rows, columns = op.tile.data.shape
        cells[event.crossbar][:rows, :columns] += 1
        constant[event.crossbar].append(not is_computed(op.cells))
    assert sum(c.sum() for c in cells.values()) == total.cell_writes
    worn = [c.max() for crossbar, c in cells.items() if constant[crossbar] != [True]]
    assert timeline.wear.writes_per_cell == max(worn, default=0)
