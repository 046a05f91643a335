#!/usr/bin/env python3
"""Plants one cause after the other in training runs, and looks whether the run's findings name it; healthy runs must have none.

    cargo build && python3 bench/alarms.py [--seeds 20] [--only NAME ...] [--tintype target/debug/tintype] [--keep FOLDER]

Each cause is planted `--seeds` times: images are drawn, a run is started through the HTTP API as a person would start it, and
`GET /api/v1/runs/{id}/findings` is read at its end. The table says how often the cause's own alarm fired, which others did, and
which fired in healthy runs. Exit status 1: a cause was missed more than once in 20, or a healthy run was not silent.

Needs nothing but Python's standard library.
"""

import argparse
import collections
import json
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

SHAPES = ["rows", "columns", "checks"]
BASE = {
    "model": "small-cnn", "training": "scratch", "image_size": 32, "batch_size": 16, "epochs": 8, "precision": "f32",
    "device": "cpu", "threads": 1,
}


def png(rows):
    """Rows of bytes, three a pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def drawing(shape, dice, side=32, light=0, noise=30):
    """Rows, columns or checks of two colours at a random place, with noise: what tells classes apart is the shape alone."""
    period, shift = dice.randrange(4, 9), dice.randrange(8)
    colours = [[dice.randrange(40, 210) for _ in range(3)] for _ in range(2)]

    def level(x, y):
        row, column = (y + shift) // period % 2, (x + shift) // period % 2
        at = {"rows": row, "columns": column, "checks": row ^ column, "noise": dice.randrange(2)}[shape]
        return bytes(min(255, max(0, channel + light + dice.randint(-noise, noise))) for channel in colours[at])

    return png([b"".join(level(x, y) for x in range(side)) for y in range(side)])


def large(shape, dice, side=1400):
    """As many pixels as a photo has, drawn quickly: the same few rows again and again."""
    period = side // dice.randrange(6, 12)
    colours = [bytes(dice.randrange(40, 210) for _ in range(3)) for _ in range(2)]
    kinds = {"rows": lambda at: [at, at], "columns": lambda at: [0, 1], "checks": lambda at: [at, 1 - at]}[shape]
    rows = []
    for y in range(side):
        first, second = kinds(y // period % 2)
        pair = colours[first] * period + colours[second] * period
        rows.append((pair * (side // (2 * period) + 1))[: side * 3])
    return png(rows)


def folder_of(root, seed, train=40, val=14, draw=None, shapes=SHAPES):
    """`train/<class>/…` and `val/<class>/…`; `draw(split, shape, dice)` may be another hand. A count may be one by class."""
    dice = random.Random(seed)
    draw = draw or (lambda split, shape, dice: drawing(shape, dice))
    for split, counts in [("train", train), ("val", val)]:
        for shape in shapes:
            count = counts[shape] if isinstance(counts, dict) else counts
            if count:
                (root / split / shape).mkdir(parents=True)
            for at in range(count):
                (root / split / shape / f"{at:03}.png").write_bytes(draw(split, shape, dice))
    return root


class Server:
    """One server with a data directory of its own."""

    def __init__(self, program, data):
        command = [program, "serve", "--address", "127.0.0.1:0", "--data", data]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            sys.exit(f"the server did not start: exit status {self.process.wait()}")
        self.data = Path(data)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + "/api/v1" + path)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"{path}: {error.code}: {error.read().decode()}")

    def wait(self, path, active):
        while True:
            found = self.ask(path)
            if found["state"] not in active:
                return found
            time.sleep(0.1)

    def import_folder(self, name, folder):
        made = self.ask("/datasets", {"name": name, "source": {"path": str(folder)}})
        found = self.wait(f"/datasets/{made['id']}", ["importing"])
        if found["state"] != "ready":
            sys.exit(f"{name}: {found}")
        # Measures of the images come with the examination.
        while "to_measure" in self.ask(f"/datasets/{made['id']}/health"):
            time.sleep(0.1)
        return made["id"]

    def train(self, dataset, seed, **settings):
        run = self.ask("/runs", {**BASE, "dataset": dataset, "seed": seed, **settings})
        return self.wait(f"/runs/{run['id']}", ["queued", "running"])

    def weights_of(self, run):
        return self.data / "runs" / str(run["id"]) / "checkpoints" / "best.safetensors"


def changed_weights(source, target, change):
    """A copy of a safetensors file; `change(name, values)` gives other values where it wants to."""
    data = source.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    head, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    for name, entry in head.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        values = struct.unpack(f"<{(end - begin) // 4}f", body[begin:end])
        new = change(name, values)
        if new is not None:
            body[begin:end] = struct.pack(f"<{len(values)}f", *new)
    target.write_bytes(data[: 8 + length] + bytes(body))
    return target


class Bench:
    """What every cause may use: a server, and things that are made once a seed."""

    def __init__(self, server, folder):
        self.server, self.folder, self.made = server, folder, {}

    def dataset(self, kind, seed, **how):
        key = (kind, seed)
        if key not in self.made:
            root = folder_of(self.folder / f"{kind}-{seed}", f"{kind}{seed}", **how)
            self.made[key] = self.server.import_folder(f"{kind}-{seed}", root)
        return self.made[key]

    def plain(self, seed):
        return self.dataset("plain", seed)

    def learned(self, seed):
        """The weights of a run that learned well."""
        key = ("learned", seed)
        if key not in self.made:
            self.made[key] = self.server.weights_of(self.server.train(self.plain(seed), seed))
        return self.made[key]

    def with_weights(self, name, seed, change, **settings):
        file = changed_weights(self.learned(seed), self.folder / f"{name}-{seed}.safetensors", change)
        settings = {"training": "fine-tune", "weights": str(file), "head_epochs": 0, "rate_decay": 1.0, **settings}
        return self.server.train(self.plain(seed), seed, **settings)


def not_a_number(name, values):
    return [float("nan")] + list(values[1:]) if name == "stage2.conv.weight" else None


def dead(name, values):
    return [-100.0] * len(values) if name == "stage3.bn.bias" else None


def faint(name, values):
    return [1e-6] * len(values) if name in ("stage3.bn.weight", "stage4.bn.weight") else None


def loud(name, values):
    return [value * 1e4 for value in values] if name == "head.weight" else None


def starved(bench, seed):
    data = bench.dataset("large", seed, train=12, val=4, draw=lambda split, shape, dice: large(shape, dice))
    return bench.server.train(data, seed, epochs=4, batch_size=4)


def silent(name, values):
    return list(values[:-1]) + [-100.0] if name == "head.bias" else None


def silenced(bench, seed):
    file = changed_weights(bench.learned(seed), bench.folder / f"silent-{seed}.safetensors", silent)
    return bench.server.train(bench.plain(seed), seed, training="none", weights=str(file), epochs=0, evaluate_on="val")


# Each cause: its own alarms (any of them will do), and how it is planted.
CAUSES = {
    "rate x 1000, AdamW": (["learning_rate_too_high"], lambda b, s: b.server.train(b.plain(s), s, learning_rate=3.0)),
    "rate x 1000, SGD": (
        ["learning_rate_too_high"],
        lambda b, s: b.server.train(b.plain(s), s, optimizer="sgd", learning_rate=50.0),
    ),
    "rate / 10000, AdamW": (["learning_rate_too_low"], lambda b, s: b.server.train(b.plain(s), s, learning_rate=3e-7)),
    "rate / 10000, SGD": (
        ["learning_rate_too_low"],
        lambda b, s: b.server.train(b.plain(s), s, optimizer="sgd", learning_rate=5e-6),
    ),
    "NaN in the weights": (["loss_not_finite"], lambda b, s: b.with_weights("nan", s, not_a_number)),
    "a dead layer": (["layer_not_learning"], lambda b, s: b.with_weights("dead", s, dead)),
    "faint layers": (["vanishing_gradients"], lambda b, s: b.with_weights("faint", s, faint, learning_rate=3e-4, optimizer="sgd")),
    "a loud last layer": (["exploding_gradients"], lambda b, s: b.with_weights("loud", s, loud)),
    "a starved loader": (["slow_loading"], starved),
    "a class that the weights never name": (["class_never_predicted"], silenced),
    "a class missing in training": (
        ["class_without_training"],
        lambda b, s: b.server.train(b.dataset("untrained", s, train={"rows": 40, "columns": 40, "checks": 0}), s),
    ),
    "a class missing in validation": (
        ["class_without_validation"],
        lambda b, s: b.server.train(b.dataset("unvalidated", s, val={"rows": 14, "columns": 14, "checks": 0}), s),
    ),
    "validation much brighter": (
        ["brightness_differs"],
        lambda b, s: b.server.train(
            b.dataset("bright", s, draw=lambda split, shape, dice: drawing(shape, dice, light=90 if split == "val" else -30)), s
        ),
    ),
    "validation of other sizes": (
        ["image_sizes_differ"],
        lambda b, s: b.server.train(
            b.dataset("sizes", s, draw=lambda split, shape, dice: drawing(shape, dice, side=96 if split == "val" else 32), val=8), s
        ),
    ),
    "noise learned by heart": (
        ["overfitting"],
        lambda b, s: b.server.train(
            b.dataset("noise", s, train=16, val=16, draw=lambda split, shape, dice: drawing("noise", dice)), s, epochs=30
        ),
    ),
    "nothing to be learned": (
        ["underfitting"],
        lambda b, s: b.server.train(
            b.dataset("unlearnable", s, train=150, draw=lambda split, shape, dice: drawing("noise", dice)),
            s, epochs=3,
        ),
    ),
}

HEALTHY = {
    "healthy: defaults": lambda b, s: b.server.train(b.plain(s), s),
    "healthy: SGD": lambda b, s: b.server.train(b.plain(s), s, optimizer="sgd", learning_rate=0.05, schedule="cosine", warmup_epochs=1),
    "healthy: ResNet-20, 20 layers": lambda b, s: b.server.train(b.plain(s), s, model="resnet20-cifar", epochs=6),
    "healthy: fine-tuned by depth": lambda b, s: b.server.train(
        b.plain(s), s, training="fine-tune", weights=str(b.learned(s)), head_epochs=1, unfreeze_epochs=2, epochs=6
    ),
    "healthy: last layer alone": lambda b, s: b.server.train(b.plain(s), s, training="head", weights=str(b.learned(s)), epochs=10),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tintype", default="target/debug/tintype")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", nargs="*", help="names, or parts of them")
    parser.add_argument("--keep", help="a folder for the data directory, which then stays")
    parser.add_argument("--json", help="where to write what fired in each run")
    arguments = parser.parse_args()
    root = Path(arguments.keep or tempfile.mkdtemp(prefix="tintype-alarms-"))
    root.mkdir(parents=True, exist_ok=True)
    server = Server(arguments.tintype, str(root / "data"))
    bench = Bench(server, root)
    wanted = {**{name: (own, plant) for name, (own, plant) in CAUSES.items()}, **{name: (None, run) for name, run in HEALTHY.items()}}
    if arguments.only:
        wanted = {name: way for name, way in wanted.items() if any(part in name for part in arguments.only)}
    results = {name: [] for name in wanted}
    try:
        # Seed by seed, so that one that is cut short has tried every cause.
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            for name, (_, plant) in wanted.items():
                run = plant(bench, seed)
                found = server.ask(f"/runs/{run['id']}/findings")["items"]
                alarms = sorted(item["alarm"] for item in found)
                results[name].append({"run": run["id"], "seed": seed, "state": run["state"], "alarms": alarms})
                print(f"seed {seed}, {name}: {', '.join(alarms) or 'silence'}", file=sys.stderr, flush=True)
            if arguments.json:
                Path(arguments.json).write_text(json.dumps(results, indent=1))
    finally:
        server.stop()
        if not arguments.keep:
            shutil.rmtree(root, ignore_errors=True)
    sys.exit(1 if print_table(results) else 0)


def print_table(results):
    """The table; true where a cause was missed more than once in 20, or a healthy run was not silent."""
    failed = False
    print("| cause | own alarm | fired | others, how often |\n|---|---|---|---|")
    for name, runs in results.items():
        own = CAUSES[name][0] if name in CAUSES else []
        fired = sum(bool(set(run["alarms"]) & set(own)) for run in runs)
        others = collections.Counter(alarm for run in runs for alarm in run["alarms"] if alarm not in own)
        told = ", ".join(f"{other} {count}" for other, count in others.most_common()) or "none"
        score = f"{fired} of {len(runs)}" if own else f"{sum(not run['alarms'] for run in runs)} of {len(runs)}"
        print(f"| {name} | {' or '.join(own) or 'silence'} | {score} | {told} |")
        failed |= fired < len(runs) - len(runs) // 20 if own else bool(others)
    return failed


if __name__ == "__main__":
    main()
