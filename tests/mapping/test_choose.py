"""The fastest way to map a layer, against a look at all ways."""

from dataclasses import replace
from math import prod

from hypothesis import given
from hypothesis import strategies as st

from cimc.mapping.choose import best_packing, cells_for, group_counts, mapped, patch_sizes
from cimc.mapping.layer_product import LayerProduct
from cimc.mapping.structure import Packing
from cimc.mapping.tiling import cover_saves_tiles
from cimc.runtime.encoding import MAPPINGS, Encoding
from cimc.runtime.packing import Axis
from cimc.target import Target


@st.composite
def layers(draw: st.DrawFn) -> LayerProduct:
    """Convolutions with one or two axes, grouped or not; with windows of one pixel, matrix products."""
    axes = draw(st.lists(st.builds(Axis, st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=2))
    return LayerProduct(
        matrices=draw(st.integers(1, 12)),
        channels=draw(st.integers(1, 5)),
        outputs=draw(st.integers(1, 5)),
        axes=tuple(axes),
        sizes=tuple(draw(st.integers(1, 9)) for _ in axes),
        pictures=draw(st.integers(1, 2)),
        input_digits=draw(st.integers(1, 8)),
    )


@st.composite
def encodings(draw: st.DrawFn) -> Encoding:
    """With a column of ones too, as the paper's offset has it."""
    mapping = draw(st.sampled_from(MAPPINGS))
    digital = mapping == "offset" and draw(st.booleans())
    planes = 1 if mapping == "offset" and not digital else draw(st.integers(1, 3))
    return Encoding(mapping, 2, draw(st.integers(1, 3)), digital=digital, planes=planes)


@given(
    layers(),
    encodings(),
    st.integers(4, 24),
    st.integers(4, 24),
    st.sampled_from((0.1, 5.0, 100.0)),
    st.booleans(),
)
def test_no_packing_is_faster_than_the_one_chosen(
    layer: LayerProduct, encoding: Encoding, half_rows: int, half_cols: int, write_us: float, covers: bool
) -> None:
    target = Target("small", rows=2 * half_rows, cols=2 * half_cols, cell_bits=2, write_us=write_us)
    packings = [
        Packing(groups, positions)
        for positions in patch_sizes(layer)
        for groups in group_counts(layer, prod(positions))
    ]
    if covers:
        packings = [
            replace(packing, covered=cover_saves_tiles(cells_for(layer, encoding, packing, target)))
            for packing in packings
        ]
    chosen = best_packing(layer, encoding, target, covers=covers)
    assert chosen in packings
    latencies_ps = [mapped(layer, encoding, packing, target).latency_ps for packing in packings]
    assert mapped(layer, encoding, chosen, target).latency_ps == min(latencies_ps)
