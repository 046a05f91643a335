"""Takes files and folders out of a wheel: unpack.py WHEEL FOLDER FROM=TO...

A FROM that ends with "/" is a folder and TO the folder it becomes. A FROM that the wheel does not hold is
an error.
"""

import pathlib
import shutil
import sys
import zipfile

wheel, folder, *wanted = sys.argv[1:]
folder = pathlib.Path(folder)
with zipfile.ZipFile(wheel) as archive:
    members = [name for name in archive.namelist() if not name.endswith("/")]
    for pair in wanted:
        source, target = pair.split("=", 1)
        if source.endswith("/"):
            found = [(name, target + name[len(source):]) for name in members if name.startswith(source)]
        else:
            found = [(source, target)] if source in members else []
        if not found:
            sys.exit(f"{wheel} holds no {source}")
        for name, to in found:
            path = folder / to
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as reader, open(path, "wb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
