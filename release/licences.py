"""Lists the licences of what the package needs, by extra, as docs/licences.md.

python release/licences.py > docs/licences.md
"""

from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PARTS = ("", "compare", "html", "optimal", "search")
"""The package itself, and the extras that users install."""


def needed(package: str, extra: str = "") -> set[str]:
    """The packages that one needs, and those that they need."""
    found: set[str] = set()
    open_ = [(package, extra)]
    while open_:
        package, of_extra = open_.pop()
        try:
            lines = requires(package) or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            environment: dict[str, Any] = {**default_environment(), "extra": of_extra}
            if requirement.marker is not None and not requirement.marker.evaluate(environment):
                continue
            name = canonicalize_name(requirement.name)
            if name not in found:
                found.add(name)
                open_ += [(requirement.name, e) for e in ("", *requirement.extras)]
    return found


def licence(name: str) -> str:
    """What a package says of its licence."""
    data: Any = distribution(name).metadata
    text: str = data.get("License-Expression") or data.get("License") or ""
    if text and len(text) < 60 and "\n" not in text:
        return text
    classifiers: list[str] = data.get_all("Classifier") or []
    licences = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License")]
    return ", ".join(licences) or (text.splitlines()[0] if text else "not said")


def main() -> None:
    print("# Licences of dependencies\n")
    print("Made by `python release/licences.py`. `cimc` itself is under Apache-2.0.")
    before: set[str] = set()
    for extra in PARTS:
        packages = needed("cimc", extra) - before - {"cimc"}
        before |= packages
        print(f"\n## {f'`cimc[{extra}]`, besides' if extra else '`cimc`'}\n")
        print("| package | licence |\n| --- | --- |")
        for name in sorted(packages):
            try:
                print(f"| {name} | {licence(name)} |")
            except PackageNotFoundError:
                continue  # for other systems


if __name__ == "__main__":
    main()
