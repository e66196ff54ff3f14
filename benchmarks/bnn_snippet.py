"""Trains the example of the README of the `bnn` fork for 3 epochs of 10,000 CIFAR-10 images of 16 x 16 pixels.

    python benchmarks/bnn_snippet.py FOLDER --seeds 0,1,2

FOLDER holds `cifar-10-batches-bin`. The network is the one of docs/migration.md, ImageNet's stem, 1000 classes and the
binary last layer included; it trains on batch 1. The settings were chosen on the last 5,000 images of batch 4, whose
accuracy `--choose` reports. Without it, that of batch 5 is printed, as validation. About 4 minutes a seed on one core.
"""

import argparse
import math
import os
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.compat.bnn import BConfig, prepare_binary_model
from xnorkit.compat.bnn.models import resnet18
from xnorkit.compat.bnn.ops import BasicScaleBinarizer, InputBiasBinarizer, XNORWeightBinarizer
from xnorkit.data.cifar import read_cifar_binary
from xnorkit.nn import center_shifts_
from xnorkit.optim import binary_layers

EPOCHS, BATCH, WARM_UP = 3, 32, 0.15
# Adam's rates. A latent weight changes its sign after as many steps as its size holds of the rate, so the rate of a
# binary layer is a share of the standard deviation of its weights. The scale of the last layer starts at 0.02, because
# its sums of 512 signs would otherwise be logits of 20 and more, and its rate follows.
WEIGHT_SHARE, STEM_RATE, OTHER_RATE = 0.2, 0.004, 0.008
LAST_SCALE, LAST_SCALE_RATE = 0.02, 0.001
# The biases of the classes start near the logarithms of their frequencies: CIFAR-10 has 10 of the 1000 classes.
PRESENT, ABSENT = -2.3, -8.0


def main() -> None:
    """Train once per seed, and print the accuracy after each epoch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--choose", action="store_true", help="report the images on which the settings were chosen")
    options = parser.parse_args()
    # Images of 4 x 4 pixels and fewer behind the stem: arranging the weights for the kernels would take longer.
    os.environ.setdefault("XNORKIT_TRAIN", "simulated")
    train = read(options.folder, 1)
    held = [part[5000:] for part in read(options.folder, 4)] if options.choose else read(options.folder, 5)
    split = "images held out of batch 4" if options.choose else "batch 5, as validation"
    for seed in map(int, options.seeds.split(",")):
        learn(*train, *held, seed=seed, split=split)


def read(folder: Path, batch: int) -> list[Tensor]:
    """Return the images of a batch, (10000, 3, 16, 16) float32, standardized, and its labels."""
    pixels, labels = read_cifar_binary(folder / "cifar-10-batches-bin" / f"data_batch_{batch}.bin", 10000, 1)
    images = F.avg_pool2d(torch.tensor(pixels).view(-1, 3, 32, 32) / 255, 2)
    mean, std = torch.tensor([[0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]]).view(2, 3, 1, 1)
    return [(images - mean) / std, torch.tensor(labels, dtype=torch.int64)]


def network() -> nn.Module:
    """Return the network of the example."""
    model = resnet18(num_classes=1000, rprelu=False)
    bconfig = BConfig(
        activation_pre_process=InputBiasBinarizer,
        activation_post_process=BasicScaleBinarizer,
        weight_pre_process=XNORWeightBinarizer.with_args(compute_alpha=False, center_weights=True),
    )
    return prepare_binary_model(model, bconfig, custom_config_layers_name={"first_conv": BConfig()})


def learn(images: Tensor, labels: Tensor, held: Tensor, answers: Tensor, *, seed: int, split: str) -> None:
    """Train the network with Adam, linear warm-up and a cosine, and print what each epoch reached."""
    torch.manual_seed(seed)
    model = network()
    center_shifts_(model, images[:1000])
    scale, bias = model.fc.activation_post_process.alpha, model.fc.bias
    with torch.no_grad():
        scale.fill_(LAST_SCALE)
        bias.fill_(ABSENT)
        bias[:10] = PRESENT
    special = {model.conv1.weight: STEM_RATE, scale: LAST_SCALE_RATE}
    special |= {layer.weight: WEIGHT_SHARE * layer.weight.std().item() for _, layer in binary_layers(model)}
    groups = [{"params": [p], "lr": special.get(p, OTHER_RATE)} for p in model.parameters()]
    optimizer = torch.optim.Adam(groups, foreach=True)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / (WARM_UP * steps)) * (1 + math.cos(math.pi * step / steps)) / 2
    )
    begin = time.perf_counter()
    for epoch in range(EPOCHS):
        losses = []
        for chosen in torch.randperm(len(images)).split(BATCH)[: steps // EPOCHS]:
            loss = F.cross_entropy(model.train()(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        with torch.no_grad():
            top1 = torch.cat([model.eval()(x).argmax(1) for x in held.split(500)]).eq(answers).float().mean().item()
        loss, seconds = sum(losses) / len(losses), time.perf_counter() - begin
        print(f"seed {seed} epoch {epoch + 1} loss {loss:.3f} {split} {top1:.2%} {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
