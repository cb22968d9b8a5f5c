"""How many threads products take."""

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits

from cimc.runtime import products


def one_thread() -> AbstractContextManager[object]:
    """A context in which products take one thread, so that sums of floats come out the same anywhere."""
    return threadpool_limits(1)


def use_threads(count: int) -> None:
    """Lets products of numpy and of onnxruntime take so many threads from now on."""
    threadpool_limits(count)
    products.use_threads(count)
