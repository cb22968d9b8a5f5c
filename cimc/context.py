"""The xDSL context of cimc: our dialects, and the arrays that the IR names."""

from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import get_all_dialects

from cimc.dialects import get_all_cimc_dialects
from cimc.tensor_store import TensorStore


@dataclass
class CimcContext(Context):
    """A context whose passes can read and add the arrays that `weights.load` names."""

    tensors: TensorStore = field(default_factory=TensorStore)

    def clone(self) -> "CimcContext":
        # Context.clone would return a bare Context; the arrays stay shared, the table does not.
        return CimcContext(**vars(super().clone()), tensors=TensorStore(self.tensors))


def new_context() -> CimcContext:
    """A context in which upstream's dialects and ours are registered, each loaded when first used."""
    ctx = CimcContext()
    for name, factory in {**get_all_dialects(), **get_all_cimc_dialects()}.items():
        ctx.register_dialect(name, factory)
    return ctx


def cimc_context(ctx: Context) -> CimcContext:
    """The context a pass was given, as ours. Raises `TypeError` for a bare xDSL context."""
    if not isinstance(ctx, CimcContext):
        raise TypeError("this pass reads weights and needs a CimcContext; use cimc-opt")
    return ctx
