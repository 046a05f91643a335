#!/usr/bin/env python3
"""Kills server and trainer with SIGKILL at random moments of imports, training and evaluating, takes up what is left, and
compares every row with those of an undisturbed twin.

Each round imports the same images, trains on them and evaluates the weights, in one data directory that all rounds share. What
differs afterwards is printed, and the exit status is 1. The last line is a summary as JSON.

    cargo build --release
    python3 bench/kills.py --kills 300 [--tintype target/release/tintype] [--seed 0]

Needs nothing but Python's standard library.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

from live import png

CLASSES = [("cat", (150, 90, 60)), ("dog", (90, 110, 120)), ("fox", (170, 100, 40))]
RECIPE = {"model": "small-cnn", "image_size": 32, "batch_size": 16, "precision": "f32", "device": "cpu", "threads": 1, "seed": 3}
# So many kills at most in a phase, so that each round comes to its end; and within so many seconds after the last.
PHASES = {"import": (3, 0.6), "train": (9, 2.5), "evaluate": (3, 1.2)}
PATIENCE = 300


def draw(folder, images):
    for name, colour in CLASSES:
        (folder / name).mkdir(parents=True)
        for at in range(images // len(CLASSES)):
            (folder / name / f"{at:04}.png").write_bytes(png(*colour, f"{name}{at}"))
    # One file that is no image, and one that is cut short.
    (folder / "cat" / "notes.txt").write_text("no image")
    (folder / "dog" / "cut.png").write_bytes(png(1, 2, 3, "cut")[:200])


class Gone(Exception):
    """The server does not answer: somebody killed it."""


class Server:
    """A server that can be killed and started again."""

    def __init__(self, program, data):
        self.program, self.data = program, data
        self.start()

    def start(self):
        command = [self.program, "serve", "--address", "127.0.0.1:0", "--data", self.data]
        self.process = Popen(command, stdout=PIPE, stderr=DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            sys.exit(f"the server did not start: exit status {self.process.wait()}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

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
        except OSError as error:
            raise Gone from error


def dataset_named(server, name):
    return next((item for item in server.ask("/datasets")["items"] if item["name"] == name), None)


def run_named(server, name):
    return next((item for item in server.ask("/runs")["items"] if item["name"] == name), None)


def importing(server, name, images):
    """One look at an import, begun where it is not under way; the data set once it is ready."""
    found = dataset_named(server, name)
    if found is None or found["state"] == "failed":
        server.ask("/datasets", {"name": name, "source": {"path": str(images)}})
        return None
    return found if found["state"] == "ready" else None


def running(server, name, body):
    """One look at a run, begun or resumed where nobody works on it; the run once it is completed."""
    run = run_named(server, name)
    if run is None:
        server.ask("/runs", {**body, "name": name})
    elif run["state"] == "interrupted":
        server.ask(f"/runs/{run['id']}/resume", {})
    elif run["state"] == "completed":
        return run
    elif run["state"] not in ("queued", "running"):
        sys.exit(f"run {run['id']} is {run['state']}: {run['failure']}")
    return None


def trainer_of(server):
    """The process of the run that is at work, where it has said who it is and still lives."""
    for run in server.ask("/runs")["items"]:
        pid = run["state"] == "running" and (run.get("environment") or {}).get("pid")
        if pid and Path(f"/proc/{pid}").exists() and b"trainer" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return None


class Killer:
    """Decides when to kill, and whom."""

    def __init__(self, seed, kills):
        self.random, self.left = random.Random(seed), kills
        self.done = {phase: {"server": 0, "trainer": 0, "both": 0} for phase in PHASES}

    def begin(self, phase):
        self.phase, (self.in_phase, self.span) = phase, PHASES[phase]
        self.next = time.monotonic() + self.random.uniform(0, self.span)

    def strike(self, server):
        if self.left == 0 or self.in_phase == 0 or time.monotonic() < self.next:
            return
        whom = "server" if self.phase == "import" else self.random.choice(["server", "trainer", "both"])
        trainer = None if whom == "server" else trainer_of(server)
        if whom == "trainer" and trainer is None:
            return
        if trainer:
            try:
                os.kill(trainer, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if whom != "trainer":
            server.kill()
            server.start()
        self.done[self.phase]["both" if whom == "both" and trainer else "server" if whom != "trainer" else whom] += 1
        self.left, self.in_phase = self.left - 1, self.in_phase - 1
        self.next = time.monotonic() + self.random.uniform(0, self.span)


def until(server, look, killer=None):
    """Looks again until there is something, killing meanwhile."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        try:
            if (found := look()) is not None:
                return found
            if killer:
                killer.strike(server)
        except Gone:
            server.kill()
            server.start()
        time.sleep(0.01)
    sys.exit(f"waited in vain; at last: {server.ask('/datasets')} {server.ask('/runs')}")


def work(server, name, images, epochs, killer=None):
    """One round: import, training, evaluating. The numbers of the data set and of the two runs."""

    def phase(which, look):
        if killer:
            killer.begin(which)
        return until(server, look, killer)["id"]

    dataset = phase("import", lambda: importing(server, name, images))
    recipe = {**RECIPE, "dataset": dataset}
    trained = phase("train", lambda: running(server, f"{name} trained", {**recipe, "epochs": epochs}))
    weights = str(server.data / "runs" / str(trained) / "checkpoints" / "best.safetensors")
    body = {**recipe, "epochs": 0, "weights": weights, "evaluate_on": "val"}
    return dataset, trained, phase("evaluate", lambda: running(server, f"{name} evaluated", body))


def rows(data, dataset, runs):
    """All that there is to say of a round, without numbers that are only given in turn and without times."""
    database = sqlite3.connect(f"file:{data}/tintype.db?mode=ro", uri=True)

    def table(sql, *values):
        return [list(row) for row in database.execute(sql, values)]

    paths = dict(table("select id, path from samples where dataset_id = ?", dataset))
    found = {
        "data set": table("select state, format, root, fingerprint, split_note, failure, evidence, readings from datasets where id = ?", dataset),
        "classes": table("select label, name from classes where dataset_id = ? order by label", dataset),
        "rejected": table("select path, reason from rejected where dataset_id = ? order by path", dataset),
        "versions": table("select number, action, note, fingerprint from versions where dataset_id = ?", dataset),
        "samples": table(
            """select path, label, split, width, height, bytes, format, orientation, hash, excluded, metadata, brightness,
                      contrast, sharpness, hex(features)
               from samples left join measures on sample_id = samples.id where samples.dataset_id = ? order by path""",
            dataset,
        ),
    }
    for kind, run in runs.items():
        batches = [json.loads(record) for (record,) in table("select record from batches where run_id = ? order by step", run)]
        for batch in batches:
            for item in batch["items"]:
                item["sample_id"] = paths[item["sample_id"]]
                if mixed := item.get("mixed"):
                    mixed["sample_id"] = paths[mixed["sample_id"]]
        (summary,) = table("select summary from runs where id = ?", run)[0]
        found |= {
            f"{kind}: run": table("select state, epoch, step, best_epoch, curve, failure from runs where id = ?", run),
            f"{kind}: summary": {key: value for key, value in json.loads(summary).items() if "per_second" not in key and not key.startswith(("time/", "process/"))},
            f"{kind}: points": table(
                """select key, step, value from series join points on series_id = series.id
                   where run_id = ? and key <> 'images_per_second' and key not like 'time/%' and key not like 'process/%' order by key, step""",
                run,
            ),
            f"{kind}: dials": table("select dial, step, numbers from dial_reports where run_id = ? order by dial, step", run),
            f"{kind}: steps of the speed": table(
                "select step from series join points on series_id = series.id where run_id = ? and key = 'images_per_second' order by step", run
            ),
            f"{kind}: batches": batches,
            f"{kind}: files": table("select split, epoch, path, best from prediction_files where run_id = ? order by split, epoch", run),
            f"{kind}: splits": table("select split, epoch, total, wrong from evaluated_splits where run_id = ? order by split", run),
            f"{kind}: predictions": table(
                """select predictions.split, path, actual, predicted, confidence, loss, margin
                   from predictions join samples on samples.id = sample_id where run_id = ? order by 1, 2""",
                run,
            ),
        }
        for file in sorted((data / "runs" / str(run) / "checkpoints").glob("*.safetensors")):
            found[f"{kind}: {file.name}"] = file.read_bytes()
    database.close()
    return found


def differences(name, found, twin):
    told = []
    for what in sorted(found.keys() | twin.keys()):
        ours, theirs = found.get(what), twin.get(what)
        if ours == theirs:
            continue
        detail = ""
        if isinstance(ours, list) and isinstance(theirs, list):
            pair = next(((at, a, b) for at, (a, b) in enumerate(zip(ours, theirs)) if a != b), "one ends before the other")
            detail = f"{len(ours)} rows, the twin {len(theirs)}: {str(pair)[:400]}"
        told.append(f"{name}: {what} differs {detail}")
    return told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tintype", default="target/release/tintype")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        images = folder / "images"
        draw(images, arguments.images)
        server = Server(arguments.tintype, folder / "twin")
        dataset, trained, evaluated = work(server, "twin", images, arguments.epochs)
        server.kill()
        twin = rows(folder / "twin", dataset, {"trained": trained, "evaluated": evaluated})

        killer, told, rounds = Killer(arguments.seed, arguments.kills), [], 0
        server = Server(arguments.tintype, folder / "disturbed")
        while killer.left:
            rounds += 1
            name = f"round {rounds}"
            dataset, trained, evaluated = work(server, name, images, arguments.epochs, killer)
            found = rows(folder / "disturbed", dataset, {"trained": trained, "evaluated": evaluated})
            told += differences(name, found, twin)
            print(f"{name}: {killer.left} kills left, {len(told)} differences", file=sys.stderr)
        server.kill()
        print("\n".join(told), end="\n" if told else "")
        compared = sum(len(value) for value in twin.values() if isinstance(value, list)) * rounds
        summary = {"kills": killer.done, "rounds": rounds, "rows_compared": compared, "differences": len(told)}
        print(json.dumps({**summary, "seconds": round(time.monotonic() - begun, 1)}))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
