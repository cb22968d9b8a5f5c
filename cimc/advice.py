"""What would make a network faster: changes that the compiler has tried, each by itself."""

from dataclasses import dataclass, replace

from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext
from cimc.errors import CimcError
from cimc.pipelines import Options
from cimc.policy import MIN_BITS, Policy, Widths
from cimc.report import LayerReport, Report
from cimc.target import Target
from cimc.what_if import report_for, unmapped


@dataclass(frozen=True)
class Change:
    """Something that could be changed, and the network's latency then."""

    what: str
    latency_ps: int


@dataclass(frozen=True)
class LayerAdvice:
    """What would help one layer."""

    layer: LayerReport
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Advice:
    """What would help the layers that cost most, the costliest first, and the network as a whole.

    Changes that make nothing faster are left out. Widths cost accuracy, crossbars cost area: that is for the
    user to decide.
    """

    layers: tuple[LayerAdvice, ...]
    network: tuple[Change, ...]


def costliest(report: Report, count: int) -> list[LayerReport]:
    """The layers that take most of the crossbars' time, the costliest first."""
    return sorted(report.layers, key=lambda layer: -layer.cost.crossbar_ps)[:count]


def advice_for(
    ctx: CimcContext, module: ModuleOp, options: Options, report: Report, count: int = 3
) -> Advice:
    """Tries changes of a module of mapped layers, whose report under these options is given."""
    if options.schedule == "optimal":
        options = replace(options, schedule=None)  # for each change, its search would take a minute
    plain = unmapped(module)

    def attempt(what: str, options: Options, policy: Policy, target: Target | None = None) -> list[Change]:
        """The change, if the target can take it and it makes the network faster."""
        try:
            found = report_for(ctx, plain, options, policy, target)
        except CimcError:
            return []
        return [Change(what, found.latency_ps)] if found.latency_ps < report.latency_ps else []

    def of_layer(layer: LayerReport) -> list[Change]:
        name, w, a = layer.shape.name, layer.weight_bits, layer.activation_bits
        changes: list[Change] = []
        if a > MIN_BITS:
            changes += attempt(f"activations of {a - 1} bits", options, {name: Widths(w, a - 1)})
        for bits in range(w - 1, MIN_BITS - 1, -1):
            if found := attempt(f"weights of {bits} bits", options, {name: Widths(bits, a)}):
                return changes + found  # the widest that saves something
        return changes

    def of_network() -> list[Change]:
        changes = [c for what, changed in _other_options(options) for c in attempt(what, changed, {})]
        if not options.opt_level:  # which takes one crossbar, however many there are
            return changes
        crossbars = 2 * report.target.crossbars
        target = report.target.with_crossbars(crossbars)
        return changes + attempt(f"--crossbars {crossbars}", options, {}, target)

    layers = [LayerAdvice(layer, tuple(of_layer(layer))) for layer in costliest(report, count)]
    return Advice(tuple(layers), tuple(of_network()))


def _other_options(options: Options) -> list[tuple[str, Options]]:
    """What else could be said on the command line."""
    if not options.opt_level:
        return [("-O1", replace(options, opt_level=1))]
    others = {"mapping": "any", "stationary": "any"}
    return [
        (f"--{name} {value}", replace(options, **{name: value}))
        for name, value in others.items()
        if getattr(options, name) != value
    ]
