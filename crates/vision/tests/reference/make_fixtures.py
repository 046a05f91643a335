"""Writes what torchvision makes of three drawn images: the PNG files and `cases.json` beside this script; and of its
random parameters: `distributions.json`.

    pip install -r requirements.txt && python make_fixtures.py

`src/parity` holds this crate's transforms against them. A case is the name of its result, the image it starts from,
the operation, and the operation's numbers.
"""

import json
from pathlib import Path

import numpy as np
import torch
from operations import as_pillow, as_tensor, case_name, made_by
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

HERE = Path(__file__).parent


def draw(width, height):
    """Slopes, a disc, stripes of one pixel, saturated and grey patches: all that a kernel can get wrong."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 5 % 256], axis=-1)
    image[(x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2] = (230, 40, 20)
    stripes = (x > width * 2 // 3) & (y > height // 2)
    image[stripes & (x % 2 == 0)] = 255
    image[stripes & (x % 2 == 1)] = 0
    image[: height // 4, : width // 4] = 128
    image[height - height // 5 :, : width // 4] = (10, 200, 250)
    return as_tensor(image.astype(np.uint8))


def draw_photo(width, height):
    """Smooth shading, soft edges and a sensor's noise, all by formula."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    sky = 140 + 70 * np.cos(x / width * 2.1 + 0.4) - 60 * y / height
    hill = 1 / (1 + np.exp(-(y - height * 0.62 - 6 * np.sin(x / 9.0)) / 1.5))
    ball = 1 / (1 + np.exp((np.hypot(x - width * 0.6, y - height * 0.45) - height * 0.22) / 0.8))
    light = 0.55 + 0.45 * np.cos(np.hypot(x - width * 0.52, y - height * 0.35) / height * 4)
    texture = 12 * np.sin(x * 1.7) * np.sin(y * 1.3 + x * 0.4)
    channels = []
    for far, near, round_one in [(0.75, 70, 225), (0.9, 110, 150), (1.1, 45, 60)]:
        channel = sky * far * (1 - hill) + (near + texture) * hill
        channels.append(channel * (1 - ball) + round_one * light * ball)
    noise = np.random.default_rng(5).normal(0, 4, (height, width, 3))
    return as_tensor(np.clip(np.stack(channels, axis=-1) + noise, 0, 255).round().astype(np.uint8))


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
    ("wide", "resize_nearest", [23]),
    ("tall", "resize_nearest", [90]),
    ("wide", "resize_bilinear_aliased", [23]),
    ("photo", "resize_bilinear_aliased", [100]),
    ("wide", "resize_bicubic", [23]),
    ("photo", "resize_bicubic", [100]),
    ("wide", "resize_bicubic_aliased", [23]),
    ("photo", "resize_bicubic_aliased", [100]),
    ("wide", "resize_lanczos", [23]),
    ("photo", "resize_lanczos", [100]),
    ("photo", "resized_crop_bicubic_aliased", [7, 9, 40, 31, 24]),
    ("wide", "pad", [5, 0]),
    ("wide", "pad", [9, 200]),
    ("wide", "pad_reflect", [20]),
    ("tall", "pad_edge", [11]),
    ("wide", "vertical_flip", []),
    ("wide", "rotation_fill", [20, 200]),
    ("wide", "rotation_expand", [20]),
    ("tall", "rotation_expand", [-75.5]),
    ("wide", "rotation_expand", [90]),
    ("wide", "rotation_reflect", [33]),
    ("tall", "rotation_edge", [-33]),
    ("photo", "affine", [15, 6, -4, 0.8, 10, -5]),
    ("wide", "affine", [0, 7, -3, 1, 0, 0]),
    ("wide", "affine", [-100, 0, 0, 1.7, 0, 25]),
    ("tall", "affine_fill", [40, 3, 5, 0.5, 0, 0, 90]),
    ("photo", "affine_reflect", [25, 12, -9, 0.6, 8, 3]),
    ("wide", "affine_edge", [25, 12, -9, 0.6, 8, 3]),
    ("photo", "perspective", [8, 5, 60, 11, 55, 44, 3, 40]),
    ("wide", "perspective", [0, 0, 60, 0, 45, 41, 12, 30]),
    ("tall", "perspective_fill", [10, 14, 30, 3, 38, 50, 2, 52, 128]),
    ("wide", "grayscale", []),
    ("photo", "grayscale", []),
    ("wide", "solarize", [128]),
    ("wide", "solarize", [0]),
    ("wide", "posterize", [1]),
    ("wide", "posterize", [5]),
    ("photo", "equalize", []),
    ("wide", "equalize", []),
    ("tall", "equalize", []),
    ("photo", "autocontrast", []),
    ("wide", "autocontrast", []),
    ("photo", "sharpness", [0]),
    ("photo", "sharpness", [1.7]),
    ("wide", "sharpness", [4.5]),
    ("photo", "gaussian_blur", [9, 2.0]),
    ("wide", "gaussian_blur", [5, 0.7]),
    ("wide", "gaussian_blur", [63, 10.0]),
    ("wide", "erase", [10, 5, 20, 30, 77]),
    ("photo", "jpeg", [10]),
    ("photo", "jpeg", [50]),
    ("photo", "jpeg", [75]),
    ("photo", "jpeg", [95]),
    ("photo", "policy_identity", []),
    ("photo", "policy_shear_x", [0.3]),
    ("photo", "policy_shear_x", [0.2]),
    ("wide", "policy_shear_x", [-0.2]),
    ("tall", "policy_shear_x", [0.5]),
    ("photo", "policy_shear_y", [-0.99]),
    ("photo", "policy_shear_y", [0.2]),
    ("wide", "policy_shear_y", [0.33]),
    ("tall", "policy_shear_y", [-0.2]),
    ("photo", "policy_translate_x", [-9.9]),
    ("photo", "policy_translate_y", [15.2]),
    ("photo", "policy_rotate", [-27]),
    ("photo", "policy_rotate", [1.5]),
    ("photo", "policy_rotate", [45]),
    ("photo", "policy_rotate", [-135]),
    ("wide", "policy_rotate", [90]),
    ("wide", "policy_rotate", [-90]),
    ("wide", "policy_rotate", [103.5]),
    ("tall", "policy_rotate", [30]),
    ("tall", "policy_rotate", [-60]),
    ("tall", "policy_rotate", [-111.5]),
    ("photo", "policy_brightness", [-0.4]),
    ("photo", "policy_color", [0.7]),
    ("photo", "policy_contrast", [-0.6]),
    ("photo", "policy_sharpness", [0.9]),
    ("photo", "policy_posterize", [3]),
    ("photo", "policy_solarize", [0.5]),
    ("photo", "policy_autocontrast", []),
    ("photo", "policy_equalize", []),
]


def save(name, image):
    as_pillow(image).save(HERE / f"{name}.png", optimize=True)


DRAWS = 20_000
SHARES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]


def quantiles(transform, width, height, names, values):
    """Of 20,000 draws of a transform's parameters for an image of this size: values, each with the share of draws
    that are not above it, which for whole numbers is more than what the quantile was asked for."""
    torch.manual_seed(1)
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    drawn = [values(transform.make_params([image])) for _ in range(DRAWS)]
    columns = np.array([values for values in drawn if values is not None], dtype=np.float64)
    kept = np.quantile(columns, SHARES, axis=0, method="inverted_cdf")
    found = {
        name: [[float(value), float((columns[:, at] <= value).mean())] for value in sorted(set(kept[:, at]))]
        for at, name in enumerate(names)
    }
    return {"width": width, "height": height, "missing": 1 - len(columns) / DRAWS, "quantiles": found}


def corners(params, width, height):
    """Where the image's corners go, from the coefficients of the way back."""
    a, b, c, d, e, f, g, h = params["coefficients"]
    back = np.linalg.inv(np.array([[a, b, c], [d, e, f], [g, h, 1.0]]))
    found = []
    for x, y in [(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)]:
        place = back @ np.array([x, y, 1.0])
        found += [round(place[0] / place[2]), round(place[1] / place[2])]
    return found


def distributions():
    area = ["left", "top", "width", "height"]
    names = [f"{corner}_{axis}" for corner in ["upper_left", "upper_right", "lower_right", "lower_left"] for axis in "xy"]
    crop = v2.RandomResizedCrop(32)
    erasing = v2.RandomErasing(p=1.0)
    affine = v2.RandomAffine(30, translate=(0.1, 0.2), scale=(0.5, 1.5), shear=(-10, 20, -5, 5))
    perspective = v2.RandomPerspective(0.6, p=1.0)
    pose = ["degrees", "translate_x", "translate_y", "scale", "shear_x", "shear_y"]
    tables = {}
    for name, space in [("rand_augment", v2.RandAugment), ("trivial_augment", v2.TrivialAugmentWide)]:
        tables[name] = []
        for operation, (magnitudes, signed) in space._AUGMENTATION_SPACE.items():
            values = magnitudes(31, 54, 72)
            values = [0.0] * 31 if values is None else [float(value) for value in values]
            tables[name].append({"operation": operation, "signed": signed, "magnitudes": values})
    cut = v2.CutMix(alpha=0.7, num_classes=2)
    return {
        "random_resized_crop": [
            quantiles(crop, *size, area, lambda p: [p["left"], p["top"], p["width"], p["height"]])
            for size in [(100, 75), (300, 40)]
        ],
        "random_erasing": [
            quantiles(
                erasing, *size, area, lambda p: None if p["v"] is None else [p["j"], p["i"], p["w"], p["h"]]
            )
            for size in [(100, 75), (60, 12)]
        ],
        "affine": [
            quantiles(
                affine, 100, 75, pose, lambda p: [p["angle"], *p["translate"], p["scale"], *p["shear"]]
            )
        ],
        "perspective": [
            quantiles(perspective, 100, 75, names, lambda p: corners(p, 100, 75)),
        ],
        "cutmix": [
            quantiles(
                cut, 100, 75, ["left", "top", "right", "bottom", "lambda"], lambda p: [*p["box"], p["lam_adjusted"]]
            )
        ],
        "policies": tables,
    }


def mixtures():
    """Three samples of shape [2, 3, 4], and what MixUp and CutMix make of them."""
    generator = torch.Generator().manual_seed(3)
    batch = torch.rand(3, 2, 3, 4, generator=generator)
    labels = torch.arange(3)
    mixup, cutmix = v2.MixUp(num_classes=3), v2.CutMix(num_classes=3)
    box = (1, 0, 4, 2)
    params = {"labels": labels, "batch_size": 3, "lam": 0.3, "box": box}
    return {
        "batch": batch.flatten().tolist(),
        "lambda": 0.3,
        "mixed_up": mixup.transform(batch, params).flatten().tolist(),
        "box": box,
        "cut": cutmix.transform(batch, params).flatten().tolist(),
    }


def main():
    images = {"wide": draw(61, 42), "tall": draw(41, 57), "photo": draw_photo(72, 54)}
    for name, image in images.items():
        save(name, image)
    cases = []
    for source, operation, numbers in CASES:
        name = case_name(source, operation, numbers)
        save(name, made_by(operation, images[source], numbers))
        cases.append({"name": name, "source": source, "operation": operation, "numbers": numbers})
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    corner = F.center_crop(images["wide"], [3, 3])
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
    (HERE / "distributions.json").write_text(json.dumps(distributions()) + "\n")
    (HERE / "mixtures.json").write_text(json.dumps(mixtures()) + "\n")
    text = f'{{"cases": [\n  {lines}\n],\n"tensors": {json.dumps(tensors)}}}\n'
    (HERE / "cases.json").write_text(text)


main()
