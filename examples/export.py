"""Writes an example network as an ONNX file.

    python examples/export.py NAME OUT.onnx [--exporter torchscript|dynamo] [--opset N] [--seed S]
                              [--weights FILE] [--keep-batch-norm] [--dynamic-batch]

NAME is resnet18, vgg16 or vitb32 (random weights from the seed), resnet20, 32, 44 or 56 (CIFAR-10)
or efficientnet_lite0; the last ones take trained weights from FILE. The graph's input is `x`, its
output `logits`, its batch 1, or open with --dynamic-batch.

The two exporters of torch spell the same network differently: `dynamo`, today's default, keeps the
modules' names in the nodes' metadata, `torchscript`, the old one, in the nodes' names.
"""

import argparse
import logging
import warnings
from pathlib import Path

import torch
from onnxscript import optimizer
from torch import Tensor, nn

# The largest protobuf message; a larger model's weights lie in a file of their own.
LARGEST = 2**31 - 1

EXPORTERS = ("torchscript", "dynamo")


def export(
    module: nn.Module,
    sample: Tensor,
    path: str | Path,
    exporter: str = "dynamo",
    opset: int = 20,
    keep_batch_norm: bool = False,
    dynamic_batch: bool = False,
) -> None:
    """Writes `module`, in evaluation mode, as it is applied to `sample`.

    Batch normalisations are folded into the convolutions unless `keep_batch_norm`.
    """
    if dynamic_batch and len(sample) == 1:  # torch takes a size of 1 in the sample for a constant
        sample = torch.cat([sample, sample])
    with warnings.catch_warnings():
        # The old exporter announces its age at every step.
        warnings.simplefilter("ignore")
        if exporter == "torchscript":
            export_torchscript(module.eval(), sample, path, opset, keep_batch_norm, dynamic_batch)
        else:
            export_dynamo(module.eval(), sample, path, opset, keep_batch_norm, dynamic_batch)


def export_torchscript(
    module: nn.Module,
    sample: Tensor,
    path: str | Path,
    opset: int,
    keep_batch_norm: bool,
    dynamic_batch: bool,
) -> None:
    """The old exporter, which records what the module does with the sample."""
    mode = torch.onnx.TrainingMode
    torch.onnx.export(
        module,
        (sample,),
        str(path),
        dynamo=False,
        input_names=["x"],
        output_names=["logits"],
        opset_version=opset,
        training=mode.PRESERVE if keep_batch_norm else mode.EVAL,
        do_constant_folding=not keep_batch_norm,
        dynamic_axes={"x": {0: "batch"}, "logits": {0: "batch"}} if dynamic_batch else None,
    )


def export_dynamo(
    module: nn.Module,
    sample: Tensor,
    path: str | Path,
    opset: int,
    keep_batch_norm: bool,
    dynamic_batch: bool,
) -> None:
    """Today's exporter, which takes the program apart."""
    if not 18 <= opset <= 25:
        # It would write a file of another version, or an invalid one, and say nothing.
        raise ValueError(f"this exporter has the versions 18 to 25 of the operators, not {opset}")
    # It tells at every start that it does without torchvision.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    program = torch.onnx.export(
        module,
        (sample,),
        dynamo=True,
        input_names=["x"],
        output_names=["logits"],
        opset_version=opset,
        verbose=False,
        optimize=not keep_batch_norm,
        dynamic_shapes=({0: torch.export.Dim("batch")},) if dynamic_batch else None,
    )
    assert program is not None
    if keep_batch_norm:
        # Not the whole optimisation, whose rewrite rules are what folds them.
        optimizer.fold_constants(program.model)
        optimizer.remove_unused_nodes(program.model)
    size = sum(t.numel() * t.element_size() for t in module.state_dict().values())
    program.save(str(path), external_data=size > LARGEST)


def load(name: str, weights: str | None = None, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """The network called `name` and an input for it."""
    # Imported here, so that each network needs only its own file.
    if name in ("resnet18", "vgg16", "vitb32"):
        from networks import build

        return build(name, seed)
    torch.manual_seed(seed)
    if name == "efficientnet_lite0":
        from efficientnet_lite0 import EfficientNetLite0, load_weights

        model = EfficientNetLite0()
        if weights:
            load_weights(model, weights)
        return model.eval(), torch.randn(1, 3, 224, 224)
    if name in ("resnet20", "resnet32", "resnet44", "resnet56"):
        from cifar10 import ResNet, load_weights

        model = ResNet(int(name[-2:]))
        if weights:
            load_weights(model, weights)
        return model.eval(), torch.randn(1, 3, 32, 32)
    raise SystemExit(f"no network is called {name!r}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name")
    parser.add_argument("out")
    parser.add_argument("--exporter", choices=EXPORTERS, default="dynamo")
    parser.add_argument("--opset", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", help="trained weights")
    parser.add_argument("--keep-batch-norm", action="store_true", help="don't fold them")
    parser.add_argument("--dynamic-batch", action="store_true", help="of any size")
    args = parser.parse_args()
    model, sample = load(args.name, args.weights, args.seed)
    try:
        export(model, sample, args.out, args.exporter, args.opset, args.keep_batch_norm, args.dynamic_batch)
    except ValueError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
