"""Makes the `.npz` files of this folder: `python make_inputs.py`. The same bytes each time."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


def main() -> None:
    # 15 pictures of a one and a last one of a four: an outlier that is better clipped.
    ones_and_a_four = np.array([1] * 15 + [4], np.float32).reshape(16, 1)
    np.savez(FOLDER / "ones_and_a_four.npz", x=ones_and_a_four)
    np.savez(FOLDER / "zeros.npz", x=np.zeros((2, 1), np.float32))
    np.savez(FOLDER / "not_finite.npz", x=np.array([[1], [np.inf]], np.float32))
    np.savez(FOLDER / "wrong_shape.npz", x=np.ones((2, 3), np.float32))


if __name__ == "__main__":
    main()
