"""The table of latencies against what the compiler reports."""

from pathlib import Path

import numpy as np
import pytest
from tools.tiny_models import MODELS, model, node, serialized, weights
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext, new_context
from cimc.driver import run_pipeline
from cimc.errors import CimcError
from cimc.frontend.importer import import_onnx
from cimc.main_function import set_target
from cimc.pipelines import Options, layers_pipeline
from cimc.policy import Policy, Widths
from cimc.program import compile
from cimc.rl.costs import latency_table
from cimc.target import Target
from cimc.what_if import layers_of, report_for

WIDTHS = tuple(Widths(w, a) for w in (2, 3, 5, 8) for a in (2, 5, 8))

WAYS = {
    "paper": Options(opt_level=0),
    "best": Options(opt_level=1, mapping="any"),
    "stationary": Options(opt_level=1, mapping="any", stationary="any"),
}


def small(side: int = 16, *, dac_bits: int = 1, crossbars: int = 1) -> Target:
    """Crossbars that even tiny layers need several tiles of."""
    return Target("small", side, side, cell_bits=2, dac_bits=dac_bits, write_us=7.0, crossbars=crossbars)


def layers(path: Path, target: Target) -> tuple[CimcContext, ModuleOp]:
    ctx = new_context()
    module = import_onnx(path, ctx.tensors, 1)
    set_target(module, target)
    run_pipeline(ctx, module, layers_pipeline())
    return ctx, module


def saved(name: str, folder: Path) -> Path:
    path = folder / f"{name}.onnx"
    path.write_bytes(serialized(MODELS[name]()))
    return path


def mixed(names: list[str], random: np.random.Generator) -> dict[str, int]:
    """Any option for each layer, by its index."""
    return {name: int(random.integers(len(WIDTHS))) for name in names}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["conv", "attention", "reshapes"])
@pytest.mark.parametrize("dac_bits", [1, 3])
def test_on_one_crossbar_the_sum_is_what_the_compiler_says_of_a_mixed_policy(
    name: str, way: str, dac_bits: int, tmp_path: Path
):
    """To the picosecond, and so is the part of each layer."""
    path, target, options = saved(name, tmp_path), small(dac_bits=dac_bits), WAYS[way]
    ctx, module = layers(path, target)
    names = [layer.layer.data for layer in layers_of(module)]
    table = latency_table(ctx, module, options, WIDTHS)
    assert table.shape == (len(names), len(WIDTHS))
    assert len(np.unique(table)) > len(names)
    random = np.random.default_rng(0)
    for _ in range(3):
        chosen = mixed(names, random)
        policy = {layer: vars(WIDTHS[i]) for layer, i in chosen.items()}
        report = compile(
            path,
            target=target,
            policy=policy,
            mapping=options.mapping,
            stationary=options.stationary,
            opt_level=options.opt_level,
            emit="cim",
        ).report()
        assert [layer.shape.name for layer in report.layers] == names
        found = [layer.cost.write_ps + layer.cost.mvm_ps for layer in report.layers]
        assert found == [table[row, chosen[layer]] for row, layer in enumerate(names)]
        assert report.latency_ps == sum(found)


@pytest.mark.parametrize("dac_bits", [1, 3])
def test_dense_layers_cost_what_the_paper_says(dac_bits: int, tmp_path: Path):
    """Tiles of pairs of cells; each is written, and then takes a cycle for each digit of each vector."""
    nodes = [node("MatMul", "x first", "h"), node("Relu", "h", "r"), node("MatMul", "r second", "y")]
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(model(nodes, [5, 40], first=weights(40, 9), second=weights(9, 3))))
    ctx, module = layers(path, small(dac_bits=dac_bits))
    table = latency_table(ctx, module, Options(opt_level=0), WIDTHS)
    for row, (inputs, outputs) in enumerate([(40, 9), (9, 3)]):
        for column, widths in enumerate(WIDTHS):
            columns = outputs * 2 * -(-widths.weight_bits // 2)
            tiles = -(-inputs // 16) * -(-columns // 16)
            cycles = 5 * -(-widths.activation_bits // dac_bits)
            assert table[row, column] == tiles * (7_000_000 + cycles * 1_400_000)


@pytest.mark.parametrize("crossbars", [2, 3, 64])
@pytest.mark.parametrize("way", ["paper", "best"])
def test_with_several_crossbars_a_layer_alone_is_what_the_compiler_says(
    way: str, crossbars: int, tmp_path: Path
):
    """A network of one layer has them all for itself."""
    path, target = saved("dense", tmp_path), small(4, crossbars=crossbars)
    ctx, module = layers(path, target)
    table = latency_table(ctx, module, WAYS[way], WIDTHS)
    one = latency_table(*layers(path, small(4)), WAYS[way], WIDTHS)
    assert (table <= one).all()
    # -O0 takes one tile after the other, however many crossbars there are.
    assert (table == one).all() == (way == "paper")
    [layer] = layers_of(module)
    for column, widths in enumerate(WIDTHS):
        report = report_for(ctx, module, WAYS[way], {layer.layer.data: widths})
        assert report.latency_ps == table[0, column]


def test_the_module_stays_as_it_is(tmp_path: Path):
    ctx, module = layers(saved("conv", tmp_path), small())
    before = str(module)
    widths = WIDTHS[3:5]
    latency_table(ctx, module, WAYS["best"], widths)
    policy: Policy = {layer.layer.data: WIDTHS[0] for layer in layers_of(module)}
    report_for(ctx, module, WAYS["best"], policy)
    assert str(module) == before
    # Nor does it matter what widths its layers have, nor in which order columns are asked for.
    table = latency_table(ctx, module, WAYS["best"], widths)
    run_pipeline(ctx, module, "cim-assign-precision{weight-bits=2 activation-bits=3}")
    assert str(module) != before
    np.testing.assert_array_equal(latency_table(ctx, module, WAYS["best"], widths[::-1]), table[:, ::-1])


def test_a_policy_that_names_another_network_is_an_error(tmp_path: Path):
    ctx, module = layers(saved("dense", tmp_path), small())
    with pytest.raises(CimcError, match="'other'"):
        report_for(ctx, module, Options(), {"other": Widths(4, 4)})
