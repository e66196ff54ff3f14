"""Which batch holds which images: an order that depends on (seed, epoch) alone, divided over processes."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, distributed
from torch.utils.data import Sampler

__all__ = ["BatchOrder", "process_of"]

Request = tuple[int, Tensor]  # epoch, indices (B,) int64
Permute = Callable[[np.random.Generator], Tensor]

ORDER_STREAM = 0


class BatchOrder(Sampler[Request]):
    """Yields (epoch, indices (B,) int64) for each batch of an epoch.

    The permutation is drawn from (seed, epoch) alone, never from a running generator, so an interrupted run that
    resumes at epoch e sees the same batches as an uninterrupted one. The trainer calls `set_epoch`.

    With R processes, R * batch_size consecutive images of that order make one step, and process r takes the r-th
    batch of them: R processes with batch B see what one process with batch R * B sees. Without shuffling, each process
    takes one consecutive part. All processes yield equally many batches, and every image occurs exactly once, except
    in a last smaller step that is dropped. Batches differ in size if the numbers do not divide.

    Args:
        size: the number of images.
        batch_size: the number of images per batch of one process; the last batch may be smaller.
        seed: the seed of the order; None keeps the images in file order.
        drop_last: leave out a smaller last step, which is noisier under BatchNorm.
        rank, world_size: the number of this process and of all processes; the default asks torch.distributed.
        permute: a function that draws the order (size,) int64 from a generator; the default is uniform.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int | None,
        drop_last: bool = False,
        *,
        rank: int | None = None,
        world_size: int | None = None,
        permute: Permute | None = None,
    ) -> None:
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.drop_last = drop_last
        self.rank, self.world_size = rank, world_size
        self.permute = permute or self._uniform
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        step = self.batch_size * process_of(self.rank, self.world_size)[1]
        return self.size // step if self.drop_last and self.size >= step else -(-self.size // step)

    def __iter__(self) -> Iterator[Request]:
        rank, world = process_of(self.rank, self.world_size)
        if self.seed is None:
            order = torch.arange(self.size).tensor_split(world)[rank]
            batches = self._cut(order, len(self), world)
        else:
            order = self.permute(np.random.default_rng((self.seed, self.epoch, ORDER_STREAM)))
            batches = tuple(step.tensor_split(world)[rank] for step in self._cut(order, len(self), world))
        for batch in batches:
            yield self.epoch, batch

    def _cut(self, order: Tensor, count: int, world: int) -> tuple[Tensor, ...]:
        """Return `count` parts of `order`: full ones and a rest, or even ones if a rest might leave a process none."""
        if world > 1 and not self.drop_last:
            return order.tensor_split(count)
        return order.split(self.batch_size if self.seed is None else self.batch_size * world)[:count]

    def _uniform(self, generator: np.random.Generator) -> Tensor:
        return torch.from_numpy(generator.permutation(self.size))


def process_of(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Return the given (rank, world_size), else those of torch.distributed, else (0, 1)."""
    if rank is not None and world_size is not None:
        return rank, world_size
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
