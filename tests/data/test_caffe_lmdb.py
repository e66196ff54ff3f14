"""Caffe's databases: handwritten messages, the seed's preprocessing, what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from make_data import blob, datum, make_lmdb, photo

from xnorkit.data import caffe_lmdb, create_data
from xnorkit.data.caffe_messages import read_blob, read_datum
from xnorkit.errors import DataError, RecipeError
from xnorkit.format import InputSpec, Preparation, as_floats

lmdb = pytest.importorskip("lmdb")
pytest.importorskip("google.protobuf")


def test_messages_of_handwritten_bytes() -> None:
    image, label = read_datum(b"\x08\x02\x10\x01\x18\x03\x22\x06ABCDEF\x28\xac\x02")
    assert image.tolist() == [[[65, 66, 67]], [[68, 69, 70]]]
    assert label == 300
    assert read_datum(b"\x22\x03jpg\x28\x07\x38\x01") == (b"jpg", 7)
    values = np.arange(6, dtype="<f4")
    expected = values.reshape(1, 2, 3)
    legacy = b"\x08\x01\x10\x01\x18\x02\x20\x03"
    assert np.array_equal(read_blob(legacy + b"\x2a\x18" + values.tobytes()), expected)
    single = b"".join(b"\x2d" + value.tobytes() for value in values)  # as proto2 writes what is not packed
    assert np.array_equal(read_blob(legacy + single), expected)
    assert np.array_equal(read_blob(b"\x3a\x05\x0a\x03\x01\x02\x03" + b"\x2a\x18" + values.tobytes()), expected)
    assert np.array_equal(read_blob(blob(expected)), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "not a Datum"),
        (b"", r"shape \(0, 0, 0\)"),
        (b"\x08\x02\x10\x01\x18\x03\x22\x05ABCDE", r"shape \(2, 1, 3\) holds 5 bytes"),
        (
            b"\x08\xff\xff\xff\xff\x07" * 1 + b"\x10\xff\xff\xff\xff\x07\x18\xff\xff\xff\xff\x07\x22\x01A",
            "holds 1 bytes",
        ),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01\x18\x01\x22\x01A", r"shape \(-1, 1, 1\)"),
    ],
    ids=range(5),
)
def test_damaged_datum(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_datum(content)


def test_the_seeds_preprocessing(tmp_path: Path) -> None:
    make_lmdb(tmp_path)
    data = create_data("imagenet-lmdb", tmp_path, preprocessing="seed", batch_size=16)
    assert data.input_shape == (3, 227, 227)
    assert data.num_classes == 1000
    assert data.split_name == f"validation ({len(data.test)} of 50000 images)"
    rows = torch.arange(256.0)[:, None] / 4 + torch.zeros(256)
    mean = torch.stack([rows + 80, rows + 90, rows + 100])
    assert np.allclose(data.mean, mean.mean((1, 2)) / 255)
    assert data.std == (1 / 255,) * 3
    images, labels = data.test_arrays()
    assert images.dtype == np.uint8
    assert data.preparation == Preparation("bgr", mean_image=mean[:, 14:241, 14:241].numpy())
    spec = InputSpec(data.input_shape, preparation=data.preparation)
    assert labels.tolist() == list(range(8))
    loaded = torch.cat([x for x, _ in data.test_dataloader()])
    assert torch.equal(loaded, torch.from_numpy(as_floats(images, spec)))
    for number in range(7):
        rgb = torch.from_numpy(photo(100 + number, 256, 256).copy()).permute(2, 0, 1)
        assert np.array_equal(images[number], rgb[:, 14:241, 14:241])
        bgr = rgb.flip(0)
        expected = (bgr - mean)[:, 14:241, 14:241]  # (256 - 227) / 2, rounded down
        assert torch.equal(loaded[number], expected)
    encoded = torch.from_numpy(photo(107, 256, 256).copy()).permute(2, 0, 1).flip(0)
    assert (loaded[7] - (encoded - mean)[:, 14:241, 14:241]).abs().mean() < 8  # went through a JPEG


def test_training_draws_part_and_mirroring(tmp_path: Path) -> None:
    make_lmdb(tmp_path)
    data = create_data("imagenet-lmdb", tmp_path, preprocessing="seed", batch_size=15)
    rows = torch.arange(256.0)[:, None] / 4 + torch.zeros(256)
    mean = torch.stack([rows + 80, rows + 90, rows + 100])
    mirrored, places = 0, set()
    for x, label in zip(*next(iter(data.train_dataloader())), strict=True):
        if label == 15:
            continue  # the one stored as JPEG
        image = torch.from_numpy(photo(int(label), 256, 256).copy()).permute(2, 0, 1).flip(0).float()
        found = [
            (top, left, flip)
            for flip in (False, True)
            for source in [(image.flip(2) if flip else image) - mean]
            for top in range(30)
            for left in range(30)
            if torch.equal(source[:, top : top + 227 : 50, left : left + 227 : 50], x[:, ::50, ::50])
        ]
        assert len(found) == 1
        places.add(found[0][:2])
        mirrored += found[0][2]
    assert len(places) > 10
    assert 2 < mirrored < 13
    plain = create_data("imagenet-lmdb", tmp_path, preprocessing="seed", flip=False)
    assert not plain.train_crop.flip


def test_modern_preprocessing_sees_rgb_pixels_in_any_worker(tmp_path: Path) -> None:
    make_lmdb(tmp_path)
    data = create_data("imagenet-lmdb", tmp_path, image_size=32, batch_size=4)
    images, _ = data.test_arrays(1)
    assert images.dtype == np.uint8
    expected = photo(100, 256, 256).reshape(-1, 3).mean(0)
    assert np.abs(images[0].reshape(3, -1).mean(1) - expected).max() < 25
    assert data.preparation == Preparation()
    assert np.argsort(images[0].reshape(3, -1).mean(1)).tolist() == np.argsort(expected).tolist()
    alone = list(data.train_dataloader())
    shared = list(create_data("imagenet-lmdb", tmp_path, image_size=32, batch_size=4, workers=2).train_dataloader())
    for a, b in zip(alone, shared, strict=True):
        assert all(map(torch.equal, a, b))


def test_keys_with_file_names(tmp_path: Path) -> None:
    make_lmdb(tmp_path, (2, 3), key="{:08}_n01440764/x.JPEG")
    data = create_data("imagenet-lmdb", tmp_path, image_size=16)
    assert data.test_arrays()[1].tolist() == [0, 1, 2]
    assert data.test.where(1).endswith("ilsvrc12_val_lmdb:00000001_n01440764/x.JPEG")


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ImageNet in LMDB was not found in .*ilsvrc12_train_lmdb/data\.mdb"):
        create_data("imagenet-lmdb", tmp_path)
    make_lmdb(tmp_path, (2, 2))
    with pytest.raises(RecipeError, match=r"data\.randaugment=2, but preprocessing 'seed' needs 0"):
        create_data("imagenet-lmdb", tmp_path, preprocessing="seed", randaugment=2)
    with pytest.raises(RecipeError, match=r"data\.image_size=300, but .* allows at most 256"):
        create_data("imagenet-lmdb", tmp_path, preprocessing="seed", image_size=300)
    mean = tmp_path / "imagenet_mean.binaryproto"
    mean.write_bytes(mean.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"imagenet_mean\.binaryproto is damaged: it is not a BlobProto"):
        create_data("imagenet-lmdb", tmp_path, preprocessing="seed")
    mean.unlink()
    with pytest.raises(DataError, match=r"it lacks imagenet_mean\.binaryproto"):
        create_data("imagenet-lmdb", tmp_path, preprocessing="seed")
    with (
        lmdb.open(str(tmp_path / "ilsvrc12_val_lmdb"), sync=False) as environment,
        environment.begin(write=True) as transaction,
    ):
        transaction.put(b"00000000", datum(bytes(48), 4, 1000))
        transaction.put(b"00000001", datum(bytes(47), 4, 1))
    data = create_data("imagenet-lmdb", tmp_path, image_size=4)
    with pytest.raises(DataError, match="ilsvrc12_val_lmdb:00000000 has label 1000, but labels must be from 0 to 999"):
        data.test_arrays()
    caffe_lmdb._close_all()
    (tmp_path / "ilsvrc12_val_lmdb" / "data.mdb").write_bytes(b"nothing")
    with pytest.raises(DataError, match="must be an LMDB database"):
        create_data("imagenet-lmdb", tmp_path)
