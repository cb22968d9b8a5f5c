"""Attention that is taken apart computes what the operator does."""

from itertools import product

import numpy as np
import pytest

from cimc.context import new_context
from cimc.driver import run_pipeline
from cimc.interpreters.execute import execute
from cimc.ir_files import parse_module
from cimc.runtime.arrays import Array

BATCH, QUERIES, KEYS, SIZE, VALUES = 2, 3, 5, 4, 6

MASKS = {
    "none": None,
    "floats": (QUERIES, KEYS),
    "bools": (QUERIES, KEYS),
    "floats by batch": (BATCH, 1, QUERIES, KEYS),
}


def _type(array: Array) -> str:
    sizes = "x".join(map(str, array.shape))
    return f"tensor<{sizes}x{'i1' if array.dtype == np.bool else 'f32'}>"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("key_heads", [2, 4])
def test_same_numbers(packed: bool, mask: str, key_heads: int) -> None:
    rng = np.random.default_rng(0)
    heads = 4
    shapes = [(heads, QUERIES, SIZE), (key_heads, KEYS, SIZE), (key_heads, KEYS, VALUES)]
    arrays: list[Array] = []
    for count, length, size in shapes:
        shape = (BATCH, length, count * size) if packed else (BATCH, count, length, size)
        arrays.append(rng.standard_normal(shape).astype(np.float32))
    y = (BATCH, QUERIES, heads * VALUES) if packed else (BATCH, heads, QUERIES, VALUES)
    if (mask_shape := MASKS[mask]) is not None:
        values = rng.standard_normal(mask_shape).astype(np.float32)
        arrays.append(values > -0.5 if mask == "bools" else values)
        arrays[-1][..., 0] = True  # each query attends to a key at least
    names = [f"%x{i}" for i in range(len(arrays))]
    types = [_type(array) for array in arrays]
    arguments = ", ".join(f"{n}: {t}" for n, t in zip(names, types, strict=True))
    result = f"tensor<{'x'.join(map(str, y))}xf32>"
    inputs = {f"x{i}": array for i, array in enumerate(arrays)}
    counts = [f"q_num_heads = {heads} : i64", f"kv_num_heads = {key_heads} : i64"] if packed else []
    for causal, softcap, scale in product((0, 1), (0.0, 1.5), ([], ["scale = 0.3 : f32"])):
        attributes = [f"is_causal = {causal} : i64", f"softcap = {softcap} : f32", *scale, *counts]
        text = f"""
            func.func @main({arguments}) -> {result} {{
              %y = onnx.Attention({", ".join(names)}) {{{", ".join(attributes)}}}
                : ({", ".join(types)}) -> {result}
              func.return %y : {result}
            }}"""
        ctx = new_context()
        module = parse_module(ctx, text, "attention")
        expected = execute(module, ctx.tensors, inputs)["y0"]
        run_pipeline(ctx, module, "onnx-decompose-attention")
        assert "onnx.Attention" not in str(module)
        found = execute(module, ctx.tensors, inputs)["y0"]
        np.testing.assert_allclose(found, expected, atol=1e-5)
