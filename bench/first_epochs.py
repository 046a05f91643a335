"""Validation accuracy after each of the first epochs on CIFAR-10: Tintype beside PyTorch, same recipe and same split.

    python first_epochs.py TINTYPE ARCHIVE FOLDER > first_epochs.json

TINTYPE is the program, ARCHIVE the JPEG edition of CIFAR-10 (train/<class>/, test/<class>/), FOLDER an empty place for a
data directory. Tintype runs first; PyTorch then reads the split (45,000/5,000) from the run's own list of samples.

ResNet-20 with shortcut option A (He et al. 2015, section 4.2), Kaiming's normal initialisation, SGD with Nesterov momentum
0.9, learning rate 0.1 throughout, weight decay 1e-4, batches of 128, pad by 4, crop and flip, ImageNet's mean and deviation, f32.
The PyTorch side decodes once with Pillow and augments whole batches of tensors, a draw a sample: this compares what
is learnt, not how fast.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

EPOCHS, SEEDS, BATCH = 3, (0, 1, 2), 128
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.fill = (after - before) // 2
        stride = 2 if self.fill else 1
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.fill:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.fill, self.fill))
        return functional.relu(x + y)


def resnet20():
    widths = [16] * 3 + [32] * 3 + [64] * 3
    blocks = [Block(before, after) for before, after in zip([16] + widths, widths)]
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
    return network


def tintype(program, archive, folder):
    def call(*arguments):
        answer = subprocess.run([program, *arguments, "--data", folder, "--json"], check=True, stdout=subprocess.PIPE)
        return json.loads(answer.stdout)

    call("import", archive, "--name", "cifar10")
    curves, directory = [], None
    for seed in SEEDS:
        run = call(
            "train", "cifar10", "--model", "resnet20-cifar", "--epochs", str(EPOCHS), "--batch-size", str(BATCH),
            "--optimizer", "sgd", "--learning-rate", "0.1", "--weight-decay", "0.0001", "--schedule", "constant",
            "--flip", "on", "--crop-padding", "4", "--precision", "f32", "--seed", str(seed),
        )
        directory = Path(folder) / "runs" / str(run["id"])
        records = [json.loads(line) for line in (directory / "journal.jsonl").read_text().splitlines()]
        curves.append([record["values"]["val/accuracy"] for record in records if record["event"] == "epoch"])
        print("tintype", seed, curves[-1], file=sys.stderr)
    return curves, directory


def load(directory, split):
    samples = [json.loads(line) for line in (directory / "samples.jsonl").read_text().splitlines()]
    samples = [sample for sample in samples if sample["split"] == split]
    pictures = numpy.stack([numpy.asarray(Image.open(sample["path"]).convert("RGB")) for sample in samples])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(), torch.tensor([sample["label"] for sample in samples])


def prepare(pictures):
    return (pictures.float() / 255 - MEAN) / STD


def augment(pictures):
    padded = functional.pad(pictures, (4, 4, 4, 4))
    out = torch.empty_like(pictures)
    places = torch.randint(0, 9, (len(pictures), 2)).tolist()
    for at, (top, left) in enumerate(places):
        out[at] = padded[at, :, top:top + 32, left:left + 32]
    flipped = torch.rand(len(pictures)) < 0.5
    out[flipped] = out[flipped].flip(3)
    return out


def pytorch(directory):
    train, val = load(directory, "train"), load(directory, "val")
    curves = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = resnet20()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
        curve = []
        for _ in range(EPOCHS):
            network.train()
            for chosen in torch.randperm(len(train[1])).split(BATCH):
                loss = functional.cross_entropy(network(prepare(augment(train[0][chosen]))), train[1][chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            network.eval()
            with torch.no_grad():
                parts = zip(val[0].split(500), val[1].split(500))
                right = sum((network(prepare(pictures)).argmax(1) == labels).sum().item() for pictures, labels in parts)
            curve.append(right / len(val[1]))
        curves.append(curve)
        print("pytorch", seed, curve, file=sys.stderr)
    return curves


def main():
    ours, directory = tintype(*sys.argv[1:4])
    theirs = pytorch(directory)
    summary = {
        name: {
            "by_seed": curves,
            "mean": [round(statistics.mean(column), 4) for column in zip(*curves)],
            "deviation": [round(statistics.stdev(column), 4) for column in zip(*curves)],
        }
        for name, curves in (("tintype", ours), ("pytorch", theirs))
    }
    json.dump({"epochs": EPOCHS, "seeds": SEEDS, "torch": torch.__version__, **summary}, sys.stdout, indent=1)
    print()


main()
