"""Scaled dot-product attention."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cimc.rl.network.operators.constants import dtype_of, sizes
from cimc.rl.network.operators.export import Operator


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attn_mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad_kv_seqlen: Tensor | None = None,
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
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """ONNX Attention (opsets 23 to 25): Y, present_key, present_value, qk_matmul_output.

    `q`, `k`, `v` are (batch, heads, length, size), or (batch, length, heads * size) with the numbers
    of heads as attributes; Y has the form of `q`. Each key/value head serves `q heads / kv heads`
    consecutive query heads. A query that may attend no key yields zeros. An export takes it apart,
    as its opset has no such node. `nonpad_kv_seqlen` is not supported.
    """
    if nonpad_kv_seqlen is not None:
        raise ValueError("Attention does not take nonpad_kv_seqlen here")
    if (past_key is None) != (past_value is None):
        raise ValueError("past_key and past_value come together or not at all")

    packed = q.ndim == 3
    if packed:
        q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    past = 0
    if past_key is not None and past_value is not None:
        past = sizes(past_key)[2]
        k, v = torch.cat((past_key, k), 2), torch.cat((past_value, v), 2)
    _, heads, queries, size = sizes(q)
    if heads % sizes(k)[1]:
        raise ValueError(f"{sizes(k)[1]} key heads cannot serve {heads} query heads")

    factor = size**-0.5 if scale is None else scale
    raw = (q * factor) @ _serving(k, heads).transpose(2, 3)
    capped = softcap * torch.tanh(raw / softcap) if softcap else raw
    # A causal mask is a window without anything to its right.
    right = 0 if is_causal else right_window_size
    hidden = _hidden(queries, sizes(k)[2], past, left_window_size, right)
    bias = _bias(attn_mask, hidden, raw)
    biased = capped if bias is None else capped + bias
    idle = attn_mask is not None or (hidden is not None and bool(hidden.all(-1).any()))
    weights = _softmax(biased, softmax_precision, idle=idle)

    y = weights @ _serving(v, heads)
    if packed:
        y = y.transpose(1, 2).reshape(-1, queries, heads * sizes(v)[3])
    return (y, k, v, (raw, capped, biased, weights)[qk_matmul_output_mode])


def _heads(x: Tensor, heads: int | None) -> Tensor:
    """(batch, length, heads * size) as (batch, heads, length, size)."""
    if heads is None:
        raise ValueError("3-D inputs need q_num_heads and kv_num_heads")
    _, length, width = sizes(x)
    return x.reshape(-1, length, heads, width // heads).transpose(1, 2)


def _serving(x: Tensor, heads: int) -> Tensor:
    """Keys or values with one head for each of the query's."""
    own = sizes(x)[1]
    if own == heads:
        return x
    return x.index_select(1, torch.tensor([head * own // heads for head in range(heads)], device=x.device))


def _hidden(queries: int, keys: int, past: int, left: int, right: int) -> Tensor | None:
    """Which of the (queries, keys) lie outside the window; None if none can.

    `left` and `right` bound the distance from a query to its keys unless they are -1.
    """
    if left < 0 and right < 0:
        return None
    distance = np.arange(keys) - np.arange(queries)[:, None] - past
    beyond_left = (distance < -left) & (left >= 0)
    beyond_right = (distance > right) & (right >= 0)
    return torch.as_tensor(beyond_left | beyond_right)


def _bias(attn_mask: Tensor | None, hidden: Tensor | None, scores: Tensor) -> Tensor | None:
    """What is added to the scores: the mask, and -inf where a key is hidden."""
    never = torch.tensor(-torch.inf, dtype=scores.dtype, device=scores.device)
    bias = None
    if attn_mask is not None:
        bias = torch.where(attn_mask, 0, never) if attn_mask.dtype == torch.bool else attn_mask
        # A mask may say nothing of the last keys, which then are hidden.
        bias = F.pad(bias, (0, sizes(scores)[3] - sizes(bias)[-1]), value=-torch.inf)
    if hidden is not None:
        bias = torch.where(hidden.to(scores.device), never, 0 if bias is None else bias)
    return bias


def _softmax(scores: Tensor, precision: int | None, *, idle: bool) -> Tensor:
    """The softmax of each query's scores; if queries may be `idle`, zeros where all scores are -inf."""
    if precision is not None:
        exact = _softmax(scores.to(dtype_of(precision)), None, idle=idle)
        return exact.to(scores.dtype)
    if not idle:
        return scores.softmax(-1)
    nothing = (scores == -torch.inf).all(-1, keepdim=True)
    return scores.masked_fill(nothing, 0).softmax(-1).masked_fill(nothing, 0)


OPERATORS: dict[str, Operator] = {"Attention": attention}
