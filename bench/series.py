"""How quickly a long series is thinned: 1,000,000 points with one spike, asked for at 500 points.

    python bench/series.py target/debug/tintype [--points 1000000]

A data directory is made with one run and its series, as a run of an earlier version has left it. The server makes the blocks of the
series by itself; before and after that the same points must come, among them the spike, and they must be those that thinning all
points here gives.
"""

import argparse
import json
import math
import pathlib
import sqlite3
import statistics
import subprocess
import tempfile
import time
import urllib.request

TARGET = 500


def spec():
    return {
        "dataset": "photos", "fingerprint": "", "classes": ["a", "b"], "model": "small-cnn", "weights": None, "image_size": 32,
        "epochs": 5, "batch_size": 4, "optimizer": "adamw", "learning_rate": 0.1, "weight_decay": 0.0, "schedule": "constant",
        "warmup_epochs": 0.0, "train_transforms": [], "eval_transforms": [], "seed": 0, "device": "auto", "precision": "auto",
        "threads": 0, "capture_every_steps": 0, "evaluate_splits": ["val"],
    }


def thinned(points):
    """As src/domain/series.rs says it, without gaps."""
    buckets = TARGET // 4
    kept = []
    for bucket in range(buckets):
        part = points[bucket * len(points) // buckets : (bucket + 1) * len(points) // buckets]
        values = [value for _, value in part]
        places = {0, len(part) - 1, values.index(min(values)), values.index(max(values))}
        kept += [list(part[place]) for place in sorted(places)]
    return kept


class Server:
    def __init__(self, program, data):
        command = [program, "serve", "--data", data, "--address", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = next(line for line in self.process.stdout if "http" in line).split("http", 1)[1].split()[0]
        self.address = "http" + self.address.rstrip("/")

    def ask(self):
        begun = time.perf_counter()
        with urllib.request.urlopen(f"{self.address}/api/v1/runs/1/series?keys=train/loss&points={TARGET}") as answer:
            body = answer.read()
        return (time.perf_counter() - begun) * 1000, json.loads(body)["series"][0]["points"]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--points", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        file = pathlib.Path(data) / "tintype.db"
        Server(arguments.program, data).stop()
        points = [(step, math.sin(step / 3_000) + (step * 2_654_435_761 % 1_000) / 5_000) for step in range(arguments.points)]
        spike = (arguments.points * 2 // 3 + 17, 99.0)
        points[spike[0]] = spike
        database = sqlite3.connect(file)
        database.execute("insert into datasets (id, name, state, source, created_at_ms) values (1, 'photos', 'ready', '/p', 0)")
        database.execute(
            "insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec) values (1, 1, 'long', 'completed', 0, 0, ?)",
            [json.dumps(spec())],
        )
        database.execute("insert into series (id, run_id, key) values (1, 1, 'train/loss')")
        database.executemany("insert into points (series_id, step, value) values (1, ?, ?)", points)
        database.commit()

        server = Server(arguments.program, data)
        try:
            before, first = server.ask()
            blocks = "select count(*) from point_blocks"
            while database.execute(blocks).fetchone()[0] < arguments.points // 1_000:
                time.sleep(0.1)
            asked = [server.ask() for _ in range(50)]
        finally:
            server.stop()
        assert list(spike) in first and all(points == first for _, points in asked), "other points"
        assert first == thinned(points), "not what thinning all points gives"
        times = sorted(took for took, _ in asked)
        result = {
            "points": arguments.points,
            "thinned_to": len(first),
            "first_request_ms": round(before, 1),
            "median_ms": round(statistics.median(times), 2),
            "p90_ms": round(times[len(times) * 9 // 10], 2),
            "least_ms": round(times[0], 2),
        }
        print(json.dumps(result))


if __name__ == "__main__":
    main()
