"""What -O1 must give at the published policies: on one crossbar, and how close to its bound on several."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cimc

Exported = Callable[[str, str], Path]

HEADLINES = {
    ("vgg16-both_constraints-acc05-rcell4", "differential-column"): 2.9,
    ("vgg16-both_constraints-acc05-rcell4", "mixed-digits"): 3.0,
    ("vgg16-both_constraints-acc05-rcell4", "any"): 5.9,
    ("resnet18-both_constraints-acc05-rcell4", "differential-column"): 2.37,
    ("resnet18-both_constraints-acc05-rcell4", "mixed-digits"): 2.6,
    ("resnet18-both_constraints-acc05-rcell4", "any"): 4.7,
    ("vitb32-both_constraints-acc05-rcell4", "differential-column"): 2.28,
    ("vitb32-both_constraints-acc05-rcell4", "mixed-digits"): 2.3,
    ("vitb32-both_constraints-acc05-rcell4", "any"): 4.6,
    ("resnet18-both_constraints-acc05-rcell2", "mixed-digits"): 3.0,
    ("resnet18-both_constraints-acc05-rcell2", "any"): 4.0,
}
"""Over 8/8 with -O0, one crossbar, batch 1."""

GAPS = {1: 0.01, 2: 0.01, 4: 0.03, 16: 0.08, 64: 0.20}
"""By the number of crossbars, the fraction by which a schedule may exceed its lower bound."""


@pytest.fixture(scope="module")
def policies(shared: Callable[[str], Path]) -> Any:
    return json.loads(shared("paper/policies.json").read_text())


def report(policies: Any, exported: Exported, name: str, **options: Any) -> Any:
    policy = policies[name]
    model = exported(policy["network"], "dynamo")
    target = f"rram-256x256-c{policy['cell_bits']}"
    program = cimc.compile(model, target=target, policy=policy["layers"], emit="report", **options)
    return program.report()["total"]


@pytest.mark.parametrize(("name", "mapping"), HEADLINES)
def test_the_same_policy_runs_faster(name: str, mapping: str, policies: Any, exported: Exported) -> None:
    total = report(policies, exported, name, mapping=mapping)
    assert total["speedup"] >= HEADLINES[name, mapping]
    assert total["latency_us"] >= total["information_bound_us"]
    assert total["latency_us"] == total["lower_bound_us"], "one crossbar is never idle"


@pytest.mark.parametrize(
    "name", [name for name, mapping in HEADLINES if mapping == "any" and "rcell4" in name]
)
@pytest.mark.parametrize("crossbars", GAPS)
def test_schedules_come_close_to_their_bounds(
    name: str, crossbars: int, policies: Any, exported: Exported
) -> None:
    total = report(policies, exported, name, mapping="any", crossbars=crossbars)
    assert total["lower_bound_us"] <= total["latency_us"]
    assert total["gap"] <= GAPS[crossbars]
