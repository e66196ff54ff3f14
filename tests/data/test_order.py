"""Batches divided over processes: what each sees, and that every image comes once."""

import pytest
import torch

from xnorkit.data import BatchOrder, create_data


def batches(rank: int, world: int, *, size: int, batch: int, seed: int | None, drop: bool = False) -> list[list[int]]:
    sampler = BatchOrder(size, batch, seed, drop, rank=rank, world_size=world)
    sampler.set_epoch(2)
    found = [indices.tolist() for _, indices in sampler]
    assert len(found) == len(sampler)
    return found


def test_processes_see_the_parts_of_one_larger_batch() -> None:
    alone = batches(0, 1, size=50, batch=12, seed=3, drop=True)
    ranks = [batches(rank, 3, size=50, batch=4, seed=3, drop=True) for rank in range(3)]
    assert [[i for part in parts for i in part] for parts in zip(*ranks, strict=True)] == alone
    assert {len(part) for rank in ranks for part in rank} == {4}


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize(("size", "world"), [(50, 3), (24, 2), (25, 2), (7, 4), (49, 4)])
def test_every_image_once_and_equally_many_batches(size: int, world: int, seed: int | None) -> None:
    ranks = [batches(rank, world, size=size, batch=4, seed=seed) for rank in range(world)]
    assert len({len(rank) for rank in ranks}) == 1
    assert sorted(index for rank in ranks for batch in rank for index in batch) == list(range(size))
    assert all(batch for rank in ranks for batch in rank)


def test_processes_are_those_of_torch_distributed(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = BatchOrder(8, 2, None)
    assert [indices.tolist() for _, indices in sampler] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    assert [indices.tolist() for _, indices in sampler] == [[4, 5], [6, 7]]


OPTIONS = {"batch_size": 32, "seed": 1, "shift": 2, "flip": True, "cutout": 6, "randaugment": 2, "mixup": 0.4}
OPTIONS |= {"cutmix": 1.0}


def first_batches(**options: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
    loader = create_data("digits", **{**OPTIONS, **options}).train_dataloader()
    loader.sampler.set_epoch(5)
    return [batch for _, batch in zip(range(3), loader, strict=False)]


def test_a_batch_is_the_same_in_any_number_of_workers_and_processes() -> None:
    alone = first_batches()
    for images, labels in alone:
        assert (images.shape, labels.shape) == ((32, 1, 28, 28), (32, 10))
    for found, expected in zip(first_batches(workers=2), alone, strict=True):
        assert all(map(torch.equal, found, expected))
    ranks = [first_batches(batch_size=16, rank=rank, world_size=2) for rank in range(2)]
    for first, second, expected in zip(*ranks, alone, strict=True):
        assert torch.equal(torch.cat([first[0], second[0]]), expected[0])
        assert torch.equal(torch.cat([first[1], second[1]]), expected[1])
    other = first_batches(seed=2)
    assert not torch.equal(other[0][0], alone[0][0])


def test_a_later_epoch_does_not_depend_on_the_ones_before() -> None:
    loader = create_data("digits", **OPTIONS).train_dataloader()
    for epoch in (0, 1, 5):
        loader.sampler.set_epoch(epoch)
        images, labels = next(iter(loader))
    expected = first_batches()[0]
    assert torch.equal(images, expected[0])
    assert torch.equal(labels, expected[1])


def test_selection_is_held_out_of_training_and_the_same_for_every_seed() -> None:
    data = [create_data("digits", selection=0.2, seed=seed, batch_size=100) for seed in (0, 1)]
    held_out = [torch.cat([images for images, _ in one.selection_dataloader()]) for one in data]
    assert torch.equal(held_out[0], held_out[1])
    assert len(held_out[0]) == 287
    assert data[0].selection_name == "selection (20 % of the training images)"
    loader = data[0].train_dataloader()
    loader.sampler.drop_last = False
    trained = torch.cat([images for images, _ in loader])
    everything = torch.cat([trained, held_out[0]]).flatten(1)
    assert len(everything) == 1437
    assert len(everything.unique(dim=0)) == 1437
    plain = create_data("digits")
    assert plain.selection_dataloader() is None
    assert plain.selection_name is None
