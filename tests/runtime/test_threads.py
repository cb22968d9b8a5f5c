"""How many threads products take."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from cimc.runtime.products import StoredMatrix, multiplier
from cimc.runtime.threads import use_threads


@pytest.fixture(autouse=True)
def one_thread_again() -> Iterator[None]:
    yield
    use_threads(1)


@pytest.mark.parametrize("count", [2, 1])
def test_numpy_and_onnxruntime_take_so_many(count: int) -> None:
    use_threads(3)
    before = multiplier("int8")
    use_threads(count)
    pools = cast(list[dict[str, Any]], threadpool_info())
    blas = [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]
    assert blas
    assert set(blas) == {count}
    assert multiplier("int8") is not before  # made anew, with other threads
    product = StoredMatrix(np.full((8, 2), -3)).times(np.full((1, 8), 5, np.uint8), 5)
    assert product.tolist() == [[-120, -120]]
