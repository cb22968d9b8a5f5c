"""Reads an ONNX file, or says in one message why not."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimc.errors import CimcError, first_line

if TYPE_CHECKING:
    from onnx import ModelProto

OLDEST_OPSET = 1


def load_onnx(path: Path) -> "ModelProto":
    """The model in a file, with its external data. Raises `CimcError` if it cannot be read."""
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise CimcError(f"{path}: no such file")
    if not path.stat().st_size:
        raise CimcError(f"{path}: the file is empty; an ONNX model holds a graph")
    try:
        model = _parse(path)
    except (DecodeError, UnicodeDecodeError):
        raise CimcError(f"{path}: not an ONNX file, or a damaged one") from None
    except (OSError, ValueError, RuntimeError, onnx.checker.ValidationError) as e:
        # External data is resolved here: a file that is missing, too short or outside the folder.
        raise CimcError(f"{path}: cannot be read: {first_line(e)}") from None
    _check_text(model, path)
    if not model.HasField("graph") or not model.graph.output:
        raise CimcError(f"{path}: holds no graph with outputs; is it an ONNX model?")
    if model.functions:
        from onnx.inliner import inline_local_functions

        model = inline_local_functions(model)
    return model


def _parse(path: Path) -> "ModelProto":
    from onnx import ModelProto
    from onnx.external_data_helper import load_external_data_for_model

    model = ModelProto()
    model.ParseFromString(path.read_bytes())
    load_external_data_for_model(model, str(path.parent))
    return model


def opset_of(model: "ModelProto") -> int:
    """The version of ONNX's own operators that a model uses. Raises `CimcError` if it is out of range."""
    import onnx

    newest = onnx.defs.onnx_opset_version()
    versions = {o.version for o in model.opset_import if o.domain in ("", "ai.onnx")}
    if not versions:
        raise CimcError("the model does not say which opset of ONNX it uses (opset_import)")
    version = max(versions)
    if not OLDEST_OPSET <= version <= newest:
        raise CimcError(
            f"the model uses opset {version}; supported are {OLDEST_OPSET} to {newest}: "
            "export it anew, or convert it with onnx.version_converter"
        )
    return version


_TENSOR_TEXTS = ("name", "doc_string", "external_data")
"""What of a TensorProto may hold text: listing all of its fields would copy its data."""


def _check_text(message: Any, path: Path) -> None:
    """Raises `CimcError` for a name that is no UTF-8: protobuf gives it as bytes, which nothing expects."""
    for name, value in _text_fields(message):
        if isinstance(value, bytes):
            raise CimcError(f"{path}: a damaged file: {name} holds {value!r}, which is no UTF-8")
        if not isinstance(value, str):
            _check_text(value, path)


def _text_fields(message: Any) -> Iterator[tuple[str, Any]]:
    """The texts and messages in a message, one by one."""
    if message.DESCRIPTOR.name == "TensorProto":
        fields = [(message.DESCRIPTOR.fields_by_name[n], getattr(message, n)) for n in _TENSOR_TEXTS]
    else:
        fields = message.ListFields()
    for field, value in fields:
        if field.type in (field.TYPE_STRING, field.TYPE_MESSAGE):
            single = isinstance(value, str | bytes) or hasattr(value, "ListFields")
            for part in [value] if single else value:
                yield field.name, part
