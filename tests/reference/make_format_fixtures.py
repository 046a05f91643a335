"""Writes the data sets that `src/import/tests` reads to see that what Python's own tools write can be read.

    python tests/reference/make_format_fixtures.py        (with numpy, pillow and pyarrow 26)

hub/data/*.parquet   as the Hugging Face hub lays pictures out: one shard packed by Snappy, one by Zstandard
packed/gzip.parquet  the same in a packing that is refused
shards/*.tar         as WebDataset's writer, which is Python's tarfile underneath, writes them
"""

import gzip
import io
import json
import pathlib
import tarfile

import numpy
import pyarrow
import pyarrow.parquet
from PIL import Image

HERE = pathlib.Path(__file__).parent / "formats"
NAMES = ["zebra", "ant", "bee"]


def picture(seed: int, kind: str = "PNG") -> bytes:
    values = numpy.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=numpy.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


def hub(folder: str, name: str, count: int, seed: int, compression: str) -> None:
    features = {
        "image": {"_type": "Image"},
        "label": {"names": NAMES, "_type": "ClassLabel"},
        "place": {"dtype": "string", "_type": "Value"},
    }
    schema = pyarrow.schema(
        [
            ("image", pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])),
            ("label", pyarrow.int64()),
            ("place", pyarrow.string()),
            ("weight", pyarrow.float32()),
            ("embedding", pyarrow.list_(pyarrow.float32())),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    rows = [
        {
            "image": {"bytes": picture(seed + at), "path": f"{at}.png"},
            "label": at % 3,
            "place": "garden" if at % 2 else None,
            "weight": at / 10,
            "embedding": [0.5, at],
        }
        for at in range(count)
    ]
    table = pyarrow.Table.from_pylist(rows, schema=schema)
    path = HERE / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, compression=compression, row_group_size=4)


def shard(name: str, count: int, seed: int) -> None:
    path = HERE / "shards" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = name.endswith(".gz")
    # Without the time, so that the same versions write the same file.
    file = gzip.GzipFile(path, "wb", mtime=0) if packed else path.open("wb")
    with file, tarfile.open(fileobj=file, mode="w") as archive:
        for at in range(count):
            files = {"jpg": picture(seed + at, "JPEG")}
            if name.startswith("train"):
                files["cls"] = str(at % 3).encode()
            else:
                files["json"] = json.dumps({"label": at % 3, "place": "garden", "width": 8}).encode()
            for ending, content in sorted(files.items()):
                entry = tarfile.TarInfo(f"{at:06}.{ending}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


hub("hub/data", "train-00000-of-00002.parquet", 6, 0, "snappy")
hub("hub/data", "train-00001-of-00002.parquet", 3, 100, "zstd")
hub("hub/data", "test-00000-of-00001.parquet", 3, 200, "none")
shard("train-000000.tar", 3, 300)
shard("val-000000.tar.gz", 3, 400)
hub("packed", "gzip.parquet", 3, 500, "gzip")
