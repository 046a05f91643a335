#!/usr/bin/env python3
"""How the server bears many who watch, and what a page costs that is open while a run learns.

Draws images, serves them from a data directory of its own, trains a small network, and then
  load:    200 viewers hear the run's points while 50 readers turn pages; every viewer must get every point once.
  traffic: for each page of a run, what its script asks for and hears, in a minute.

    cargo build --release
    python3 bench/live.py [load|traffic] [--tintype target/release/tintype] [--seconds 60]

Needs nothing but Python's standard library.
"""

import argparse
import asyncio
import gzip
import html
import json
import random
import re
import struct
import subprocess
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path

VIEWERS = 200
READERS = 50
SIDE = 32
READ = ["/", "/runs", "/runs/1", "/runs/1/inputs", "/runs/1/gradients", "/runs/1/predictions", "/runs/1/evaluation", "/datasets/1"]


def png(red, green, blue, seed):
    """A noisy square of about one colour."""
    noise = random.Random(seed)
    rows = b"".join(
        b"\0" + bytes(min(255, max(0, channel + noise.randrange(-40, 40))) for _ in range(SIDE) for channel in (red, green, blue))
        for _ in range(SIDE)
    )

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def draw(folder):
    for name, colour in [("cat", (150, 90, 60)), ("dog", (90, 110, 120)), ("fox", (170, 100, 40)), ("owl", (110, 90, 80))]:
        (folder / name).mkdir(parents=True)
        for at in range(100):
            (folder / name / f"{at:03}.png").write_bytes(png(*colour, f"{name}{at}"))


class Server:
    """A server of its own with a run under way."""

    def __init__(self, program, folder):
        images = folder / "images"
        draw(images)
        arguments = [program, "serve", "--data", str(folder / "data"), "--address", "127.0.0.1:0"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.host, self.port = self.url.removeprefix("http://").split(":")
        self.post("/api/v1/datasets", {"name": "animals", "source": {"path": str(images)}})
        self.wait("/api/v1/datasets/1", lambda dataset: dataset["state"] == "ready")
        recipe = {"dataset": "animals", "model": "small-cnn", "epochs": 1000, "image_size": SIDE, "batch_size": 16, "threads": 1}
        self.post("/api/v1/runs", recipe)
        self.wait("/api/v1/runs/1", lambda run: run["epoch"] >= 3)

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def wait(self, path, wanted):
        while not wanted(self.get(path)):
            time.sleep(0.2)

    def stop(self):
        self.post("/api/v1/runs/1/cancel", {})
        self.wait("/api/v1/runs/1", lambda run: run["state"] == "cancelled")


class Connection:
    """HTTP/1.1 over one connection that is kept."""

    def __init__(self, server):
        self.server = server
        self.streams = None
        self.received = 0

    async def send(self, path):
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.server.host, self.server.port, limit=1 << 22)
        reader, writer = self.streams
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {self.server.host}\r\naccept-encoding: gzip\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        self.received += len(head)
        status = int(head.split(b" ", 2)[1])
        lines = [line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line]
        return status, dict(lines)

    async def chunk(self):
        reader = self.streams[0]
        line = await reader.readline()
        size = int(line, 16)
        data = await reader.readexactly(size + 2)
        self.received += len(line) + len(data)
        return data[:-2]

    async def get(self, path):
        """Status and body, unpacked."""
        status, headers = await self.send(path)
        body = b""
        if headers.get(b"transfer-encoding") == b"chunked":
            while part := await self.chunk():
                body += part
        elif length := int(headers.get(b"content-length", b"0")):
            body = await self.streams[0].readexactly(length)
            self.received += length
        return status, gzip.decompress(body) if headers.get(b"content-encoding") == b"gzip" else body

    async def events(self, path):
        """Name, id and data of each server-sent event."""
        await self.send(path)
        waiting = b""
        while part := await self.chunk():
            waiting += part
            *whole, waiting = waiting.split(b"\n\n")
            for event in whole:
                fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
                if b"data" in fields:
                    yield fields.get(b"event", b"message").decode(), fields.get(b"id", b"").decode(), fields[b"data"]

    def close(self):
        if self.streams:
            self.streams[1].close()


async def view(server, counts, first):
    """One who hears every point from the run's beginning until its end; now and then the connection breaks."""
    breaks = random.Random(first)
    place, steps = "0", []
    while True:
        connection = Connection(server)
        async for name, place, data in connection.events(f"/api/v1/runs/1/events?only=charts&since={place}"):
            if name == "journal":
                steps += [record["step"] for record in json.loads(data) if record["event"] == "step"]
                if breaks.random() < 0.01:
                    break
            elif json.loads(data)["state"] == "cancelled":
                counts.append(steps)
                connection.close()
                return
        connection.close()


async def read(server, times, over):
    """One who turns a page about every second."""
    connection = Connection(server)
    while not over.is_set():
        begun = time.perf_counter()
        status, _ = await connection.get(random.choice(READ))
        times.append(time.perf_counter() - begun)
        assert status == 200, status
        await asyncio.sleep(random.uniform(0.5, 1.5))
    connection.close()


async def load(server, seconds):
    counts, times, over = [], [], asyncio.Event()
    viewers = [asyncio.create_task(view(server, counts, at)) for at in range(VIEWERS)]
    pages = [asyncio.create_task(follow(server, "/runs/1", over)) for _ in range(VIEWERS)]
    await asyncio.sleep(2)
    readers = [asyncio.create_task(read(server, times, over)) for _ in range(READERS)]
    await asyncio.sleep(seconds)
    over.set()
    await asyncio.gather(*readers, *pages)
    await asyncio.to_thread(server.stop)
    await asyncio.gather(*viewers)
    series = server.get("/api/v1/runs/1/series?keys=train/loss&points=10000")["series"][0]["points"]
    wanted = [step for step, _ in series]
    whole = sum(steps == wanted for steps in counts)
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))] * 1000
    print(f"{VIEWERS} viewers, {READERS} readers, {seconds} s: {len(times)} pages")
    print(f"  pages: median {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, slowest {at(1):.1f} ms")
    print(f"  points: {len(wanted)} each, {whole} of {len(counts)} viewers have every one of them once")
    assert whole == VIEWERS, "a viewer missed a point"


async def follow(server, page, over, points=None):
    """What the script of an open page does (static/js/live.js); returns requests and bytes, those of points apart."""
    connection, stream = Connection(server), Connection(server)
    _, body = await connection.get(page)
    text = body.decode()
    connection.received = 0
    place = re.search(r'data-live-place="([^"]*)"', text)[1]
    parts = [
        (html.unescape(path), set(topics.split()), float(every or 0))
        for path, topics, every in re.findall(r'data-refresh="([^"]*)"\s+data-refresh-on="([^"]*)"(?:\s+data-refresh-every="(\d+)")?', text)
    ]
    due, made, requests = set(), {}, 0

    async def listen():
        async for name, _, data in stream.events(f"/api/v1/events?since={place}"):
            topics = set(json.loads(data).get("topics", []))
            due.update(path for path, on, _ in parts if name == "all" or on & topics)

    listening = asyncio.create_task(listen())
    hearing = None
    if points:
        heard = Connection(server)
        offset = re.search(r'data-offset="(\d+)"', text)[1]

        async def hear():
            async for _ in heard.events(f"/api/v1/runs/1/events?only={points}&since={offset}"):
                pass

        hearing = asyncio.create_task(hear())
    while not over.is_set():
        await asyncio.sleep(random.uniform(0.15, 1) if due else 0.1)
        ready = [path for path, _, every in parts if path in due and time.monotonic() - made.get(path, 0) >= every]
        for path in ready:
            due.discard(path)
            made[path] = time.monotonic()
            await connection.get(path)
            requests += 1
        if ready:
            await asyncio.sleep(1)
    for task in filter(None, [listening, hearing]):
        task.cancel()
    connection.close()
    stream.close()
    return requests, connection.received, stream.received, heard.received if points else 0


async def traffic(server, seconds):
    pages = [("/runs/1", "charts"), ("/runs/1/gradients", "gradients"), *((page, None) for page in READ if page not in ("/runs/1", "/runs/1/gradients"))]
    over = asyncio.Event()
    following = [asyncio.create_task(follow(server, page, over, points)) for page, points in pages]
    await asyncio.sleep(seconds)
    over.set()
    minute = 60 / seconds
    print("| page open while a run learns | requests/min | parts, kB/min | changes, kB/min | points, kB/min |\n|---|---|---|---|---|")
    for (page, _), task in zip(pages, following):
        requests, parts, changes, points = await task
        kilobytes = lambda count: f"{count * minute / 1000:.1f}"
        print(f"| {page} | {requests * minute:.0f} | {kilobytes(parts)} | {kilobytes(changes)} | {kilobytes(points) if points else '–'} |")
    run = server.get("/api/v1/runs/1")
    print(f"(the run is in epoch {run['epoch']}, step {run['step']})")
    await asyncio.to_thread(server.stop)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["load", "traffic"], default="load")
    parser.add_argument("--tintype", default="target/release/tintype")
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(given.tintype, Path(folder))
        try:
            asyncio.run({"load": load, "traffic": traffic}[given.what](server, given.seconds))
        finally:
            server.process.terminate()
            server.process.wait()


if __name__ == "__main__":
    main()
