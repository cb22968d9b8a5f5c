"""`cimc-gui`: xDSL's interactive application with our dialects, passes and weights."""

import argparse
from pathlib import Path

import numpy as np

from cimc.errors import CimcError
from cimc.tools.failures import one_message


def run_gui(file: Path | None, passes: str) -> None:
    """Opens the application on a file of IR, with a pipeline already chosen.

    Raises `CimcError` if the file cannot be read, there is no such pass, or `cimc[gui]` is not installed.
    """
    from cimc.passes import get_all_cimc_passes
    from cimc.xdsl_errors import parsing_pipeline

    try:
        from xdsl.passes import PassPipeline

        from cimc.tools.gui_app import CimcApp
    except ImportError as e:
        raise CimcError(f"cimc-gui needs {e.name}: pip install 'cimc[gui]'") from None
    with parsing_pipeline():
        pipeline = PassPipeline.parse_spec(get_all_cimc_passes(), passes)
    with np.errstate(all="ignore"):  # warnings would be written over the screen
        CimcApp(file, pipeline.passes).run()


def main() -> None:
    """Runs the tool; what the user got wrong is one message on standard error, and exit code 1."""
    parser = argparse.ArgumentParser(
        "cimc-gui", description="Try passes on IR, one by one, and look at what they do."
    )
    parser.add_argument("file", type=Path, nargs="?", help="IR to begin with; its weights lie beside it")
    parser.add_argument("-p", "--passes", default="", help="passes to begin with, as cimc-opt takes them")
    arguments = parser.parse_args()
    with one_message("cimc-gui"):
        run_gui(arguments.file, arguments.passes)


if __name__ == "__main__":
    main()
