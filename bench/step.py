"""A training step (forward and backward) of each network: Tintype's trainer beside PyTorch eager, one thread each, taking turns.

    python step.py TINTYPE_TRAINER [MODEL …]

Processor time counts, not the clock on the wall, so a busy machine changes little. Both work channels-last, in f32 and in bfloat16
(PyTorch: autocast). PyTorch is measured as it starts by default and with glibc told to keep freed memory, as the trainer tells it.
"""

import json
import os
import statistics
import subprocess
import sys
import time

MODELS = {
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "mobilenet-v3-small": "mobilenet_v3_small",
    "mobilenet-v3-large": "mobilenet_v3_large",
    "efficientnet-b0": "efficientnet_b0",
    "convnext-tiny": "convnext_tiny",
    "vit-b16": "vit_b_16",
}
SIDE, IMAGES, TURNS = 224, 16, 3
KEPT = {"MALLOC_MMAP_THRESHOLD_": "8589934592", "MALLOC_TRIM_THRESHOLD_": "8589934592"}


def peer(model):
    """The quickest of some steps in milliseconds, by number format."""
    import torch
    import torchvision

    torch.set_num_threads(1)
    network = getattr(torchvision.models, model)(num_classes=2).train().to(memory_format=torch.channels_last)
    images = torch.randn(IMAGES, 3, SIDE, SIDE).to(memory_format=torch.channels_last)
    labels = torch.zeros(IMAGES, dtype=torch.int64)

    def step(half):
        start = time.thread_time()
        network.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(images)
        torch.nn.functional.cross_entropy(logits.float(), labels).backward()
        return 1e3 * (time.thread_time() - start)

    best = {}
    for half in (False, True):
        step(half), step(half)
        best["bf16" if half else "f32"] = min(step(half) for _ in range(3))
    return best


def call(command, **more):
    output = subprocess.run(command, env={**os.environ, **more}, check=True, capture_output=True).stdout
    return json.loads(output)


def main(trainer, models):
    table = {}
    for ours in models or MODELS:
        times = {"tintype": [], "pytorch": [], "pytorch, memory kept": []}
        for _ in range(TURNS):
            measured = call([trainer, "measure", "--model", ours, "--image-size", str(SIDE), "--batch-size", str(IMAGES), "--whole-batch"])
            times["tintype"].append({"f32": measured["f32_ms"], "bf16": measured["bf16_ms"]})
            command = [sys.executable, __file__, "--peer", MODELS[ours]]
            times["pytorch"].append(call(command, OMP_NUM_THREADS="1"))
            times["pytorch, memory kept"].append(call(command, OMP_NUM_THREADS="1", **KEPT))
        table[ours] = {
            who: {kind: round(statistics.median(of[kind] for of in runs), 1) for kind in ("f32", "bf16")}
            for who, runs in times.items()
        }
        print(ours, json.dumps(table[ours]), flush=True)


if sys.argv[1] == "--peer":
    print(json.dumps(peer(sys.argv[2])))
else:
    main(sys.argv[1], sys.argv[2:])
