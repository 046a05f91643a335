"""The health report beside cleanvision, on 1,000 photos with faults planted in them.

    python health.py TINTYPE ARCHIVE FOLDER > health.json

TINTYPE is the program, ARCHIVE cats-dogs.zip (cat/, dog/), FOLDER a place for the planted pictures (made once) and for a
data directory (made anew). cleanvision 0.3.7 runs with its defaults on all cores; Tintype imports the folder
(decoding and measuring every file) and examines it. Both read the same 1,270 files, already in the page cache.

Planted, each from another photo: 60 exact copies, 60 saved again with quality 60, 60 resized to 80 %, 30 blank, 30 dark
(levels × 0.08), 30 blurred (Gaussian, sigma 6).
"""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cleanvision import Imagelab
from PIL import Image, ImageFilter

COPIES = ("copy", "again", "resized")


def plant(archive, folder):
    """Makes folder/<class>/; file names tell what was planted: <fault>--<source>.jpg."""
    if (folder / "done").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    photos = sorted(folder.glob("**/*.jpg"))
    # Every photo once, classes mixed.
    sources = iter([photos[place * 387 % len(photos)] for place in range(len(photos))])

    def add(fault, count, change, quality=90):
        for source in (next(sources) for _ in range(count)):
            target = source.with_name(f"{fault}--{source.name}")
            if change is None:
                shutil.copy(source, target)
            else:
                change(Image.open(source).convert("RGB")).save(target, quality=quality)

    add("copy", 60, None)
    add("again", 60, lambda image: image, quality=60)
    add("resized", 60, lambda image: image.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.BILINEAR))
    levels = iter(range(0, 240, 8))
    add("blank", 30, lambda _: Image.new("RGB", (400, 300), (next(levels),) * 3))
    add("dark", 30, lambda image: image.point(lambda level: round(level * 0.08)))
    add("blurred", 30, lambda image: image.filter(ImageFilter.GaussianBlur(6)))
    (folder / "done").touch()


def cleanvision(folder):
    lab = Imagelab(data_path=str(folder))
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        lab.find_issues()
    seconds = time.perf_counter() - started
    named = lambda kind: {Path(path).name for path in lab.issues.index[lab.issues[f"is_{kind}_issue"]]}
    sets = [
        {Path(path).name for path in group}
        for kind in ("exact_duplicates", "near_duplicates")
        for group in lab.info[kind]["sets"]
    ]
    planted = lambda fault: [path.name for path in folder.glob(f"**/{fault}--*.jpg")]
    together = lambda name: any({name, name.split("--")[1]} <= group for group in sets)
    found = {fault: sum(map(together, planted(fault))) for fault in COPIES}
    for fault, kind in {"blank": "low_information", "dark": "dark", "blurred": "blurry"}.items():
        found[fault] = len(named(kind) & set(planted(fault)))
    return {"seconds": round(seconds, 2), "found": found}


def tintype(program, folder, data):
    """From the request to the report, of a server that is up."""
    shutil.rmtree(data, ignore_errors=True)
    server = subprocess.Popen(
        [program, "serve", "--address", "127.0.0.1:0", "--data", data], stdout=subprocess.PIPE, text=True
    )
    try:
        url = server.stdout.readline().strip() + "/api/v1/datasets"
        body = json.dumps({"name": "planted", "source": {"path": str(folder)}}).encode()
        started = time.perf_counter()
        made = json.load(urlopen(Request(url, body, {"Content-Type": "application/json"})))
        while True:
            # A conflict until it is imported, and no report until it is examined.
            with contextlib.suppress(HTTPError):
                if "report" in json.load(urlopen(f"{url}/{made['id']}/health")):
                    return {"seconds": round(time.perf_counter() - started, 2)}
            time.sleep(0.01)
    finally:
        server.terminate()
        server.wait()


def main():
    program, archive, folder = sys.argv[1:]
    pictures = Path(folder) / "pictures"
    plant(archive, pictures)
    files = len(list(pictures.glob("**/*.jpg")))
    theirs = cleanvision(pictures)
    ours = tintype(program, pictures, Path(folder) / "data")
    figures = {"files": files, "cleanvision": theirs, "tintype": ours}
    figures["times quicker"] = round(theirs["seconds"] / ours["seconds"], 1)
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
