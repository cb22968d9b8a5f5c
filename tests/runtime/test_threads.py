"""How many threads products take, in a process of their own: other tests load libraries with threads, too."""

import json
import subprocess
import sys

import pytest

CODE = """
import json
import numpy
from threadpoolctl import threadpool_info
from cimc.runtime.products import multiplier
from cimc.runtime.threads import use_threads

use_threads({before})
made = multiplier("int8")
use_threads({count})
blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
print(json.dumps([blas, multiplier("int8") is made]))
"""


@pytest.mark.parametrize(("before", "count"), [(1, 2), (2, 1)])
def test_numpy_and_onnxruntime_take_so_many(before: int, count: int) -> None:
    command = [sys.executable, "-c", CODE.format(before=before, count=count)]
    blas, is_kept = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    assert blas == [count]
    assert not is_kept  # onnxruntime's product is made anew, with other threads
