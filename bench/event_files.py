"""Whether TensorBoard's own reader finds in our event files what our API says.

    python -m venv /tmp/tensorboard && /tmp/tensorboard/bin/pip install tensorboard
    /tmp/tensorboard/bin/python bench/event_files.py http://127.0.0.1:8431 DATA RUN [--live]

Reads the event file of a run with TensorBoard's EventAccumulator, compares every scalar with `/api/v1/runs/RUN/series.csv`, and
loads histograms, images, texts and hyper-parameters. Then starts `tensorboard --logdir DATA` on a free port and asks it for the tags,
for a scalar series and for the hyper-parameters, as its page does. With `--live` the run still trains: TensorBoard is asked until it has
a step that was not there when it was started, and how long that took after our API had it is said.
"""

import argparse
import csv
import io
import json
import math
import pathlib
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ALL = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0}


def get(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


def single(value):
    """As 32 bits hold it."""
    return struct.unpack("f", struct.pack("f", value))[0]


def same(theirs, ours):
    return math.isnan(theirs) if ours is None else single(theirs) == single(ours)


def series(server, run):
    """Key to step to value; None where it was not finite."""
    found = {}
    for row in csv.DictReader(io.StringIO(get(f"{server}/api/v1/runs/{run}/series.csv"))):
        found.setdefault(row["key"], {})[int(row["step"])] = float(row["value"]) if row["value"] else None
    return found


def read(folder, ours):
    began = time.perf_counter()
    accumulator = EventAccumulator(str(folder), size_guidance=ALL)
    accumulator.Reload()
    tags = accumulator.Tags()
    missing = sorted(set(ours) - set(tags["scalars"]))
    compared = 0
    different = []
    for key, points in ours.items():
        theirs = {event.step: event.value for event in accumulator.Scalars(key)} if key not in missing else {}
        if theirs.keys() != points.keys() or not all(same(theirs[step], value) for step, value in points.items()):
            different.append(key)
        compared += len(points)
    histograms = [accumulator.Histograms(tag) for tag in tags["histograms"]]
    images = [accumulator.Images(tag) for tag in tags["images"]]
    plugins = {tag: accumulator.SummaryMetadata(tag).plugin_data.plugin_name for tag in tags["tensors"]}
    return {
        "scalar_tags": len(tags["scalars"]),
        "only_theirs": sorted(set(tags["scalars"]) - set(ours)),
        "missing": missing,
        "scalars_compared": compared,
        "different": different,
        "histogram_tags": len(histograms),
        "histograms": sum(map(len, histograms)),
        "images": [(image.width, image.height, image.encoded_image_string[:2] == b"\xff\xd8") for tag in images for image in tag][:3],
        "tensors": plugins,
        "seconds": round(time.perf_counter() - began, 2),
    }


class TensorBoard:
    def __init__(self, data):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", data, "--host", "127.0.0.1", "--port", str(port)]
        self.address = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([*command, "--reload_interval", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, path, **query):
        return json.loads(get(f"{self.address}/data/{path}?{urllib.parse.urlencode(query)}"))

    def wait(self, look, seconds=90):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if found := look():
                    return found
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit("TensorBoard has not shown it")


def serve(server, data, run, name, live):
    board = TensorBoard(data)
    try:
        tags = board.wait(lambda: board.ask("plugin/scalars/tags").get(name))
        key = "train/loss"
        scalars = lambda: {step: value for _, step, value in board.ask("plugin/scalars/scalars", tag=key, run=name)}
        report = {"run": name, "scalar_tags": len(tags), "runs": sorted(board.ask("runs"))}
        if live:
            last = max(series(server, run)[key])
            while max(series(server, run)[key]) == last:
                time.sleep(0.05)
            began = time.monotonic()
            board.wait(lambda: max(scalars(), default=-1) > last)
            report["live_seconds"] = round(time.monotonic() - began, 1)
        else:
            # A page shows at most 1,000 points of a series, chosen by chance.
            ours = series(server, run)[key]
            theirs = board.wait(lambda: (found := scalars()) if max(scalars(), default=-1) == max(ours) else None)
            report["points"] = len(theirs)
            report["equal"] = all(same(float("nan") if value == "NaN" else value, ours[step]) for step, value in theirs.items())
        for plugin in ("histograms", "images", "text"):
            report[plugin] = len(board.ask(f"plugin/{plugin}/tags").get(name, {}))
        asked = urllib.request.Request(f"{board.address}/data/plugin/hparams/session_groups", json.dumps({
            "startIndex": 0, "sliceSize": 9, "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
            "colParams": [{"metric": {"group": "", "tag": "val/accuracy"}}, {"hparam": "learning_rate"}, {"hparam": "model"}],
        }).encode())
        asked.add_header("content-type", "application/json")
        with urllib.request.urlopen(asked, timeout=60) as answer:
            groups = json.loads(answer.read())["sessionGroups"]
        mine = [group for group in groups if group["sessions"][0]["name"] == name]
        report["hparams"] = mine[0]["hparams"] if mine else None
        report["metrics"] = mine[0]["metricValues"] if mine else None
        return report
    finally:
        board.process.terminate()
        board.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("data")
    parser.add_argument("run", type=int)
    parser.add_argument("--live", action="store_true")
    options = parser.parse_args()
    directory = pathlib.Path(options.data) / "runs" / str(options.run)
    (file,) = directory.glob("*/*tfevents*")
    report = {} if options.live else {"file": read(file.parent, series(options.server, options.run))}
    name = f"runs/{options.run}/{file.parent.name}"
    report["served"] = serve(options.server, options.data, options.run, name, options.live)
    report["bytes"] = {"journal": (directory / "journal.jsonl").stat().st_size, "events": file.stat().st_size}
    print(json.dumps(report, indent=1))
    wrong = report.get("file", {})
    sys.exit(bool(wrong.get("missing") or wrong.get("different") or report["served"].get("equal") is False))


main()
