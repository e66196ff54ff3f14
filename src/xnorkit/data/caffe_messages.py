"""Read the protobuf messages of Caffe's data files without Caffe: Datum (image and label), BlobProto (array)."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import DataError

__all__ = ["read_blob", "read_datum"]

OPTIONAL, REPEATED = 1, 3  # FieldDescriptorProto.Label
DOUBLE, FLOAT, INT64, INT32, BOOL, MESSAGE, BYTES = 1, 2, 3, 5, 8, 11, 12  # FieldDescriptorProto.Type
# Fields with the numbers of caffe.proto: name, number, type, repeated; packed where Caffe packs them.
FIELDS = {
    "BlobShape": (("dim", 1, INT64, True),),
    "BlobProto": (
        ("shape", 7, MESSAGE, False),
        *(("data", 5, FLOAT, True), ("diff", 6, FLOAT, True)),
        *(("double_data", 8, DOUBLE, True), ("double_diff", 9, DOUBLE, True)),
        *(("num", 1, INT32, False), ("channels", 2, INT32, False)),
        *(("height", 3, INT32, False), ("width", 4, INT32, False)),
    ),
    "Datum": (
        *(("channels", 1, INT32, False), ("height", 2, INT32, False), ("width", 3, INT32, False)),
        *(("data", 4, BYTES, False), ("label", 5, INT32, False), ("float_data", 6, FLOAT, True)),
        ("encoded", 7, BOOL, False),
    ),
}


def read_datum(content: bytes) -> tuple[bytes | NDArray[np.uint8], int]:
    """Return the image of a serialised Datum and its label.

    The image is the bytes of an encoded file if the message says so, otherwise (C, H, W) uint8 with the channels in the
    order of the file, which is BGR if Caffe's own tool wrote it.

    Raises:
        ValueError: the content is not a Datum, or its bytes do not fill its shape.
    """
    datum = _parsed("Datum", content)
    if datum.encoded:
        return datum.data, datum.label
    shape = (datum.channels, datum.height, datum.width)
    if min(shape) < 1 or len(datum.data) != int(np.prod([int(axis) for axis in shape], dtype=object)):
        raise ValueError(f"a Datum of shape {shape} holds {len(datum.data)} bytes")
    return np.frombuffer(datum.data, np.uint8).reshape(shape), datum.label


def read_blob(content: bytes) -> NDArray[np.float32]:
    """Return the array of a serialised BlobProto without leading axes of length 1: a mean image is (C, H, W).

    Raises:
        ValueError: the content is not a BlobProto, or its values do not fill its shape.
    """
    blob = _parsed("BlobProto", content)
    shape = tuple(blob.shape.dim) or (blob.num, blob.channels, blob.height, blob.width)
    values = np.array(blob.data or blob.double_data, np.float32)
    if min(shape) < 1 or len(values) != int(np.prod([int(axis) for axis in shape], dtype=object)):
        raise ValueError(f"a BlobProto of shape {shape} holds {len(values)} values")
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    return values.reshape(shape)


def _parsed(name: str, content: bytes) -> Any:
    from google.protobuf.message import DecodeError

    message = _messages()[name]()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(f"it is not a {name}: {error}") from error
    return message


@cache
def _messages() -> dict[str, Any]:
    """Return the message classes by name; a missing protobuf is a DataError."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ModuleNotFoundError as error:
        raise DataError(f"{error}, but Caffe's files need protobuf. Install xnorkit[caffe].") from error
    file = descriptor_pb2.FileDescriptorProto(name="xnorkit_caffe.proto", package="xnorkit_caffe", syntax="proto2")
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            added = message.field.add(name=field, number=number, type=kind, label=REPEATED if repeated else OPTIONAL)
            if kind == MESSAGE:
                added.type_name = ".xnorkit_caffe.BlobShape"
            if repeated and name != "Datum":
                added.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"xnorkit_caffe.{name}")) for name in FIELDS
    }
