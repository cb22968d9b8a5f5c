"""MkDocs calls this: it adds the reference to the site."""

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from reference import pages  # beside this file


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made from the code."""
    for name, text in pages():
        files.append(File.generated(config, f"reference/{name}", content=text))
    return files
