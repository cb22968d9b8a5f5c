"""Scaled dot-product attention."""

from math import sqrt

import numpy as np

from cimc.runtime.arrays import Array, dtype_of, widen
from cimc.runtime.kernels.normalization import softmax


@np.errstate(invalid="ignore")
def attention(
    q: Array,
    k: Array,
    v: Array,
    attn_mask: Array | None = None,
    past_key: Array | None = None,
    past_value: Array | None = None,
    nonpad_kv_seqlen: Array | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int | None = None,
    left_window_size: int = -1,
    q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0,
    right_window_size: int = -1,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> tuple[Array, Array, Array, Array]:
    """ONNX Attention (opsets 23 to 25): Y, present_key, present_value, qk_matmul_output.

    `q`, `k`, `v` are (batch, heads, length, size), or (batch, length, heads * size) with the
    numbers of heads as attributes; Y has the form of `q`. Each key/value head serves
    `q heads / kv heads` consecutive query heads. A query that may attend no key yields zeros.
    """
    if (past_key is None) != (past_value is None):
        raise ValueError("past_key and past_value come together or not at all")
    if past_key is not None and nonpad_kv_seqlen is not None:
        raise ValueError("nonpad_kv_seqlen excludes past_key and past_value")

    packed = q.ndim == 3
    if packed:
        q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    past = 0
    if past_key is not None and past_value is not None:
        past = past_key.shape[2]
        k, v = np.concatenate((past_key, k), 2), np.concatenate((past_value, v), 2)
    if q.shape[1] % k.shape[1]:
        raise ValueError(f"{k.shape[1]} key heads cannot serve {q.shape[1]} query heads")

    group = q.shape[1] // k.shape[1]
    # Each factor takes the root of the scale, which keeps their product from overflowing.
    root = sqrt(q.shape[3] ** -0.5 if scale is None else scale)
    raw = (widen(q) * root) @ (widen(k).repeat(group, 1) * root).swapaxes(2, 3)
    capped = softcap * np.tanh(raw / softcap) if softcap else raw

    bias = _bias(
        attn_mask,
        _visible(
            q.shape[2],
            k.shape[2],
            past,
            nonpad_kv_seqlen,
            left_window_size,
            # A causal mask is a window without anything to its right.
            0 if is_causal else right_window_size,
        ),
    ).astype(raw.dtype, copy=False)
    hidden = np.isneginf(bias)
    biased = np.where(hidden, bias, capped + bias)
    scores = biased if softmax_precision is None else biased.astype(dtype_of(softmax_precision))
    weights = np.where(hidden.all(-1, keepdims=True), 0, widen(softmax(scores)[0]))

    y = weights.astype(raw.dtype, copy=False) @ widen(v).repeat(group, 1)
    if packed:
        y = y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1)
    qk = (raw, capped, biased, weights)[qk_matmul_output_mode]
    return (np.asarray(y, q.dtype), k, v, np.asarray(qk, q.dtype))


def _heads(x: Array, heads: int | None) -> Array:
    """(batch, length, heads * size) as (batch, heads, length, size)."""
    if heads is None:
        raise ValueError("3-D inputs need q_num_heads and kv_num_heads")
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def _visible(queries: int, keys: int, past: int, valid: Array | None, left: int, right: int) -> Array:
    """Which of the keys each query may attend, regardless of the mask.

    `valid` keys per sample come before the padding, the last of them belonging to the queries;
    `left` and `right` bound the distance from a query to its keys unless they are -1. The result
    broadcasts to (batch, heads, queries, keys).
    """
    key = np.arange(keys)
    offset = np.asarray(past)
    visible = np.ones((queries, keys), np.bool)
    if valid is not None:
        valid = valid.astype(np.int64).reshape(-1, 1, 1, 1)
        offset = valid - queries
        visible = visible & (key < valid)
    distance = key - np.arange(queries)[:, None] - offset
    if left >= 0:
        visible = visible & (distance >= -left)
    if right >= 0:
        visible = visible & (distance <= right)
    return visible


def _bias(attn_mask: Array | None, visible: Array) -> Array:
    """What is added to the scores: the mask, and -inf where a key is not visible."""
    if attn_mask is None:
        return np.where(visible, 0.0, -np.inf)
    if attn_mask.dtype == np.bool:
        attn_mask = np.where(attn_mask, 0.0, -np.inf)
    missing = visible.shape[-1] - attn_mask.shape[-1]
    if missing:
        widths = [(0, 0)] * (attn_mask.ndim - 1) + [(0, missing)]
        attn_mask = np.pad(attn_mask, widths, constant_values=-np.inf)
    return np.where(visible, widen(attn_mask), -np.inf)


KERNELS = {"Attention": attention}
