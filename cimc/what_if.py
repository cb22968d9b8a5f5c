"""What a network would cost if something about it were different: its widths, its mapping, its target."""

from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext
from cimc.dialects.cim.layers import LayerOp
from cimc.driver import run_pipeline
from cimc.main_function import set_target
from cimc.passes.cim_assign_precision import assign_policy
from cimc.pipelines import Options, mapping_pipeline
from cimc.policy import Policy
from cimc.report import Report, report_of
from cimc.target import Target


def layers_of(module: ModuleOp) -> list[LayerOp]:
    """The layers in the order of the program."""
    return [op for op in module.walk() if isinstance(op, LayerOp)]


DECISIONS = ("stationary", "encoding", "packing", "crossbars", "streaming")
"""What the passes that map decide of a layer."""


def unmapped(module: ModuleOp) -> ModuleOp:
    """A copy of a module of layers, as it was before it was mapped."""
    copy = module.clone()
    for layer in layers_of(copy):
        for name in DECISIONS:
            layer.properties.pop(name, None)
    return copy


def report_for(
    ctx: CimcContext, module: ModuleOp, options: Options, policy: Policy, target: Target | None = None
) -> Report:
    """The compiler's report of a module of layers that are not mapped yet, if layers had the widths of a
    policy, and another target than the module's. The module stays as it is.

    Raises `CimcError` for a network or options that the target cannot take.
    """
    copy = module.clone()
    assign_policy(layers_of(copy), policy)
    if target is not None:
        set_target(copy, target)
    run_pipeline(ctx, copy, mapping_pipeline(options), verify_each=False)
    return report_of(ctx, copy)
