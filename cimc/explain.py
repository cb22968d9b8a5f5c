"""One layer of a program: where it comes from, what becomes of its numbers, and what crossbars do for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from cimc.dialects.cim.digital import DequantizeOp, QuantizeOp
from cimc.dialects.tensor_types import integer_of, shape_of
from cimc.dialects.xbar import MvmOp, write_of
from cimc.errors import CimcError
from cimc.locations import names_of
from cimc.main_function import main_function, target_of
from cimc.runtime.encoding import Encoding
from cimc.runtime.quantization import Quantizer
from cimc.runtime.timeline import Counters, Event, Timeline
from cimc.target import Target


@dataclass(frozen=True)
class Step:
    """A digital op on the way to the crossbars or from them."""

    op: str
    meaning: str
    """What it gives, in a sentence."""
    result: str
    """The type of that."""


@dataclass(frozen=True)
class Explanation:
    """One layer, from the node of the model to the crossbars."""

    layer: str
    node: tuple[str, ...]
    """The names of the ONNX node and of the module that it comes from; empty if the program does not say."""
    before: tuple[Step, ...]
    """What becomes of the values that stream."""
    stored: tuple[Step, ...]
    """What becomes of the values that are written into cells, from the first computed one on."""
    after: tuple[Step, ...]
    """What becomes of the sums."""
    input: Quantizer | None
    """How the values that stream are quantised, if the program does that."""
    encoding: Encoding
    streamed_bits: int
    matrices: int
    rows: int
    columns: int
    """The cells of each matrix."""
    events: tuple[Event, ...]
    """What crossbars do for the layer in an inference."""
    counters: Counters
    network_ps: int
    """How long the whole inference takes."""
    crossbar_ps: int
    """How long crossbars work for all layers, all together."""
    target: Target


def layer_names(module: ModuleOp) -> list[str]:
    """The layers on crossbars, in the order of the program."""
    ops = main_function(module).body.block.ops
    return list(dict.fromkeys(op.layer.data for op in ops if isinstance(op, MvmOp)))


def explain(module: ModuleOp, timeline: Timeline | None, layer: str) -> Explanation:
    """Explains a layer of a program with a timeline. Raises `CimcError` if there is none of that name."""
    names = layer_names(module)
    if timeline is None:
        raise CimcError("the program has no layers on crossbars: compile it with --emit=xbar")
    if layer not in names:
        close = get_close_matches(layer, names, 3, 0.5) or names[:10]
        raise CimcError(f"the program has no layer {layer!r}; there is {', '.join(close)}")
    ops = main_function(module).body.block.ops
    mvms = [op for op in ops if isinstance(op, MvmOp) and op.layer.data == layer]
    first, last = mvms[0], mvms[-1]
    write = write_of(first)
    assert write is not None, "there is no timeline of products without a tile"
    cells = write.cells
    streaming, storing, leaving = _back(first.vectors), _back(cells), list(_forth(last.result))
    quantizers = [op.quantizer for op in streaming if isinstance(op, QuantizeOp)]
    named = next((op for op in (*leaving, *streaming, first) if names_of(op)), first)
    return Explanation(
        layer=layer,
        node=tuple(names_of(named)),
        before=_steps(streaming),
        stored=_steps(storing),
        after=_steps(leaving),
        input=quantizers[-1].data if quantizers else None,
        encoding=first.encoding.data,
        streamed_bits=integer_of(first.vectors).width.data,
        matrices=shape_of(cells)[0],
        rows=shape_of(cells)[1],
        columns=shape_of(cells)[2],
        events=tuple(event for event in timeline.events if event.layer == layer),
        counters=timeline.layers[layer],
        network_ps=timeline.end_ps,
        crossbar_ps=timeline.total.crossbar_ps,
        target=target_of(module),
    )


def _is_digital(op: object) -> bool:
    return isinstance(op, Operation) and op.name.startswith("cim.")


def _back(value: SSAValue) -> list[Operation]:
    """The digital ops that make a value, from that which quantises on."""
    found: list[Operation] = []
    while isinstance(op := value.owner, Operation) and _is_digital(op) and op.operands:
        found.append(op)
        if isinstance(op, QuantizeOp):
            break
        value = op.operands[0]
    return found[::-1]


def _forth(value: SSAValue) -> Iterator[Operation]:
    """The digital ops that sums go through, up to that which makes floats of them."""
    while (use := value.get_user_of_unique_use()) is not None and _is_digital(use):
        yield use
        if isinstance(use, DequantizeOp):
            return
        value = use.results[0]


def _steps(ops: list[Operation]) -> tuple[Step, ...]:
    return tuple(Step(op.name, _meaning(op), str(op.results[0].type)) for op in ops)


def _meaning(op: Operation) -> str:
    """The first sentence of what the dialect says of an op."""
    text = (type(op).__doc__ or "").strip().split("\n\n")[0]
    return " ".join(text.split())
