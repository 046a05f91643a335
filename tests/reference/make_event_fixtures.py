"""Writes events/: event files as other programs write them, and events.json: what TensorBoard's own reader finds in them.

    python -m venv /tmp/reference && /tmp/reference/bin/pip install torch tensorboard
    /tmp/reference/bin/python tests/reference/make_event_fixtures.py

Written with tensorboard 2.21 and torch 2.11. `torch` is of PyTorch's SummaryWriter: scalars of TensorFlow 1 (`simple_value`) and of 2
(tensors), a value that is not a number, a histogram, an image and a text. `tensorboard` is of TensorBoard's own writer, with
tensors of other types, and goes on from an earlier step, as a run that was resumed. Times differ each time, values do not.
"""

import json
import pathlib
import shutil

import numpy as np
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.scalar import metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util
from torch.utils.tensorboard import SummaryWriter

FOLDER = pathlib.Path(__file__).parent


def torch_file(folder):
    writer = SummaryWriter(folder)
    for step in range(25):
        writer.add_scalar("Loss/train", 2.0 / (step + 1), step)
        writer.add_scalar("accuracy", step / 25, step, new_style=True)
    writer.add_scalar("Loss/train", float("nan"), 25)
    writer.add_histogram("weights", np.arange(9.0), 0)
    writer.add_image("image", np.zeros((3, 2, 2)), 0)
    writer.add_text("note", "a text", 0)
    writer.close()


def tensorboard_file(folder):
    writer = EventFileWriter(str(folder))

    def scalar(tag, value, step, dtype):
        tensor = tensor_util.make_tensor_proto(np.asarray(value, dtype=dtype))
        value = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata.create_summary_metadata("", ""))
        writer.add_event(event_pb2.Event(step=step, wall_time=1_700_000_000 + step, summary=summary_pb2.Summary(value=[value])))

    def start(step):
        log = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        writer.add_event(event_pb2.Event(step=step, wall_time=1_700_000_100, session_log=log))

    start(0)
    for step in range(10):
        scalar("epoch_loss", 1 / (step + 3), step, np.float32)
        scalar("epoch_rate", 0.1 / 3, step, np.float64)
        scalar("epoch_count", 3 * step, step, np.int64)
    start(8)
    scalar("epoch_loss", 0.125, 8, np.float32)
    writer.close()


def number(value):
    return None if np.isnan(value) else float(value)


def found(folder):
    # The one that TensorBoard's pages are made from. It makes a tensor of every scalar.
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    series = {}
    for tag in accumulator.PluginTagToContent("scalars"):
        events = accumulator.Tensors(tag)
        series[tag] = [[event.step, number(tensor_util.make_ndarray(event.tensor_proto).item())] for event in events]
    return series


shutil.rmtree(FOLDER / "events", ignore_errors=True)
expected = {}
for name, write in (("torch", torch_file), ("tensorboard", tensorboard_file)):
    folder = FOLDER / "events" / name
    write(folder)
    (file,) = folder.iterdir()
    # Its own name has the time and the machine's name in it.
    file.rename(folder / "events.out.tfevents.0")
    expected[name] = found(folder)
(FOLDER / "events.json").write_text(json.dumps(expected, indent=None) + "\n")
