"""Images a second through EfficientNet-Lite0 up to its last layer, from JPEG files: Tintype beside PyTorch.

    python embed.py TINTYPE WEIGHTS ARCHIVE FOLDER > results/embed.json

TINTYPE is the program, WEIGHTS the folder that `cargo xtask weights` fills, ARCHIVE the 1,000 photos of cats and dogs, FOLDER an empty
place. Both read the same files, make squares of 224 pixels and compute on all cores; they take turns, five times each, and the median
counts. Tintype's time is that of its journal, from the first report of progress to the last. PyTorch loads with torchvision's
transforms in two workers; its best setting is bf16 autocast with channels-last memory, its default f32; both with batches of 32 and of 8,
of which the quicker counts. The features of both are compared, too: the largest difference beside the largest number.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import load_file
from torchvision.transforms import v2

ROUNDS = 5


class Photos(torch.utils.data.Dataset):
    def __init__(self, paths):
        self.paths = paths
        self.transform = v2.Compose([
            v2.PILToTensor(), v2.Resize(224, antialias=True), v2.CenterCrop(224),
            v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.498] * 3, [0.502] * 3),
        ])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, at):
        return self.transform(Image.open(self.paths[at]).convert("RGB"))


def peer(network, paths, batch, best):
    network = network.to(memory_format=torch.channels_last if best else torch.contiguous_format)
    loader = torch.utils.data.DataLoader(Photos(paths), batch, num_workers=2)
    begun, parts = time.monotonic(), []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=best):
        for images in loader:
            if best:
                images = images.to(memory_format=torch.channels_last)
            parts.append(network.extract_features(images).float().mean((2, 3)))
    return len(paths) / (time.monotonic() - begun), torch.cat(parts)


def tintype(program, data, environment):
    shutil.rmtree(data / "features", ignore_errors=True)
    command = [program, "train", "pets", "--training", "head", "--weights", "efficientnet-lite0-imagenet", "--data", data, "--json"]
    run = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
    folder = data / "runs" / str(run["id"])
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    progress = [record for record in journal if record["event"] == "progress"]
    seconds = (progress[-1]["at_ms"] - progress[0]["at_ms"]) / 1000
    hello = next(record for record in journal if record["event"] == "hello")
    ended = (journal[-1]["at_ms"] - journal[0]["at_ms"]) / 1000
    return progress[-1]["total"] / seconds, hello["precision"], ended, folder, run["summary"]["checkpoint_val_accuracy"]


def main():
    program, weights, archive, folder = (Path(argument).resolve() for argument in sys.argv[1:5])
    environment = os.environ | {"TINTYPE_WEIGHTS": str(weights)}
    data = folder / "data"
    subprocess.run([program, "import", archive, "--name", "pets", "--data", data, "--json"], check=True, capture_output=True)
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(weights / "efficientnet-lite0-imagenet.pth", weights_only=True))
    ours, whole, best, default = [], [], {32: [], 8: []}, {32: [], 8: []}
    for _ in range(ROUNDS):
        speed, precision, ended, run, accuracy = tintype(program, data, environment)
        ours.append(speed)
        whole.append(ended)
        samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
        paths = [sample["path"] for sample in samples]
        for batch in (32, 8):
            best[batch].append(peer(network, paths, batch, True)[0])
            default[batch].append(peer(network, paths, batch, False)[0])
    validation = [sample for sample in samples if sample["split"] == "val"]
    predictions = load_file(sorted((run / "predictions").glob("val-*.safetensors"))[-1])
    order = {sample: at for at, sample in enumerate(predictions["sample_id"].tolist())}
    theirs = peer(network, [sample["path"] for sample in validation], 8, False)[1]
    same = predictions["embedding"][[order[sample["id"]] for sample in validation]]
    median = {name: statistics.median(values) for name, values in
              {"tintype": ours, "start_to_end_s": whole}.items()}
    for name, figures in (("pytorch_best", best), ("pytorch_default", default)):
        median[name] = max(statistics.median(values) for values in figures.values())
    print(json.dumps({
        "images_per_second": {"tintype": ours, "pytorch_best": best, "pytorch_default": default},
        "median": median, "precision": precision, "validation_accuracy": accuracy, "seconds": whole,
        "ratio_to_best": median["tintype"] / median["pytorch_best"],
        "ratio_to_default": median["tintype"] / median["pytorch_default"],
        "largest_difference": (same - theirs).abs().max().item(), "largest": theirs.abs().max().item(),
        "cores": os.cpu_count(), "torch": torch.__version__,
    }, indent=2))


if __name__ == "__main__":
    main()
