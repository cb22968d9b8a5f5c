"""How many threads products take."""

from threadpoolctl import threadpool_limits

from cimc.runtime import products


def use_threads(count: int) -> None:
    """Lets products of numpy and of onnxruntime take so many threads from now on."""
    threadpool_limits(count)
    products.use_threads(count)
