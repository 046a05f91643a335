"""Writes what torchvision makes of two drawn pictures: the PNG files and `cases.json` beside this script.

    pip install -r requirements.txt && python make_fixtures.py

`src/parity.rs` holds this crate's transforms against them. A case is the name of its result, the picture it starts from,
the operation, and the operation's numbers.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as F

HERE = Path(__file__).parent
BILINEAR = F.InterpolationMode.BILINEAR


def draw(width, height):
    """Slopes, a disc, stripes of one pixel, saturated and grey patches: all that a kernel can get wrong."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 5 % 256], axis=-1)
    picture[(x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2] = (230, 40, 20)
    stripes = (x > width * 2 // 3) & (y > height // 2)
    picture[stripes & (x % 2 == 0)] = 255
    picture[stripes & (x % 2 == 1)] = 0
    picture[: height // 4, : width // 4] = 128
    picture[height - height // 5 :, : width // 4] = (10, 200, 250)
    return torch.from_numpy(picture.astype(np.uint8)).permute(2, 0, 1).contiguous()


OPERATIONS = {
    "resize": lambda image, size: F.resize(image, [size], BILINEAR, antialias=True),
    "resize_exact": lambda image, size: F.resize(image, [size, size], BILINEAR, antialias=True),
    "center_crop": lambda image, size: F.center_crop(image, [size, size]),
    "horizontal_flip": lambda image: F.horizontal_flip(image),
    "window": lambda image, left, top, size, padding: F.crop(
        F.pad(image, [padding] * 4), top + padding, left + padding, size, size
    ),
    "resized_crop": lambda image, left, top, width, height, size: F.resized_crop(
        image, top, left, height, width, [size, size], BILINEAR, antialias=True
    ),
    # The fill that RandomRotation passes where none is given.
    "rotation": lambda image, degrees: F.rotate(image, degrees, BILINEAR, fill=[0.0, 0.0, 0.0]),
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "hue": F.adjust_hue,
}

CASES = [
    ("wide", "resize", [20]),
    ("wide", "resize", [55]),
    ("tall", "resize", [17]),
    ("wide", "resize_exact", [32]),
    ("tall", "resize_exact", [7]),
    ("wide", "center_crop", [24]),
    ("wide", "center_crop", [45]),
    ("tall", "center_crop", [64]),
    ("wide", "horizontal_flip", []),
    ("wide", "window", [-3, 8, 32, 4]),
    ("wide", "window", [30, -4, 32, 4]),
    ("wide", "resized_crop", [11, 6, 35, 29, 16]),
    ("wide", "resized_crop", [40, 2, 9, 12, 32]),
    ("tall", "resized_crop", [0, 3, 41, 50, 24]),
    ("wide", "rotation", [0]),
    ("wide", "rotation", [12.5]),
    ("wide", "rotation", [-30]),
    ("tall", "rotation", [90]),
    ("tall", "rotation", [-161.8]),
    ("wide", "rotation", [180]),
    ("wide", "brightness", [0.35]),
    ("wide", "brightness", [1.6]),
    ("wide", "contrast", [0]),
    ("wide", "contrast", [0.4]),
    ("wide", "contrast", [1.7]),
    ("wide", "saturation", [0]),
    ("wide", "saturation", [0.3]),
    ("wide", "saturation", [1.8]),
    ("wide", "hue", [0.12]),
    ("wide", "hue", [-0.3]),
    ("wide", "hue", [0.5]),
]


def save(name, image):
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(HERE / f"{name}.png", optimize=True)


def main():
    pictures = {"wide": draw(61, 42), "tall": draw(41, 57)}
    for name, image in pictures.items():
        save(name, image)
    cases = []
    for source, operation, numbers in CASES:
        name = "_".join([source, operation, *map(str, numbers)])
        save(name, OPERATIONS[operation](pictures[source], *numbers))
        cases.append({"name": name, "source": source, "operation": operation, "numbers": numbers})
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    corner = F.center_crop(pictures["wide"], [3, 3])
    scaled = F.to_dtype(corner, torch.float32, scale=True)
    normalized = F.normalize(scaled, mean, std)
    tensors = {
        "size": 3,
        "mean": mean,
        "std": std,
        "scaled": scaled.flatten().tolist(),
        "normalized": normalized.flatten().tolist(),
    }
    lines = ",\n  ".join(json.dumps(case) for case in cases)
    text = f'{{"cases": [\n  {lines}\n],\n"tensors": {json.dumps(tensors)}}}\n'
    (HERE / "cases.json").write_text(text)


main()
