"""What torchvision makes of an image, by the name and the numbers of an operation.

`make_fixtures.py` and `compare_photos.py` call them; `src/parity/operations.rs` names the same operations.
"""

import os

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import grid_sample
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F
from torchvision.transforms.v2.functional import _geometry

NEAREST = F.InterpolationMode.NEAREST
BILINEAR = F.InterpolationMode.BILINEAR
BICUBIC = F.InterpolationMode.BICUBIC
BLACK = [0.0, 0.0, 0.0]

# MKL, which multiplies torch's matrices, rounds otherwise in its kernels for Intel's processors than on others, unless
# it is told not to before its first product; which pixel a place half-way between two goes to depends on that.
os.environ["MKL_CBWR"] = "COMPATIBLE"


def as_pillow(image):
    return Image.fromarray(image.permute(1, 2, 0).numpy())


def as_tensor(image):
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).contiguous()


def lanczos(image, width, height):
    """Tensors have no Lanczos; what torchvision does with a Pillow image is this. Across, then down: the order of
    every Pillow before 13, which chooses it by the image's shape."""
    image = as_pillow(image)
    across = image.resize((width, image.height), Image.Resampling.LANCZOS)
    return as_tensor(across.resize((width, height), Image.Resampling.LANCZOS))


def affine(image, degrees, x, y, scale, shear_x, shear_y, interpolation=BILINEAR, fill=BLACK, center=None):
    """Degrees counter-clockwise, which for torchvision's affine is the negative direction."""
    return F.affine(image, -degrees, [x, y], scale, [shear_x, shear_y], interpolation, fill, center)


def sampled_beyond(image, matrix, mode):
    """torchvision fills with a constant alone; torch's own sampler knows the other two."""
    height, width = image.shape[-2:]
    theta = torch.tensor(matrix).reshape(1, 2, 3)
    grid = _geometry._affine_grid(theta, w=width, h=height, ow=width, oh=height)
    # That grid is for align_corners=False; reflection about the middles of the outermost pixels needs True.
    size = torch.tensor([width, height], dtype=torch.float32)
    grid = ((grid + 1.0) * size - 1.0) / (size - 1.0) - 1.0
    sampled = grid_sample(image[None].float(), grid, mode="bilinear", padding_mode=mode, align_corners=True)
    return sampled[0].round().to(torch.uint8)


def rotation_beyond(image, degrees, mode):
    matrix = _geometry._get_inverse_affine_matrix([0.0, 0.0], -degrees, [0.0, 0.0], 1.0, [0.0, 0.0])
    return sampled_beyond(image, matrix, mode)


def affine_beyond(image, degrees, x, y, scale, shear_x, shear_y, mode):
    matrix = _geometry._get_inverse_affine_matrix([0.0, 0.0], -degrees, [x, y], scale, [shear_x, shear_y])
    return sampled_beyond(image, matrix, mode)


def perspective(image, *corners, fill=BLACK):
    height, width = image.shape[-2:]
    start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
    end = [list(corners[at : at + 2]) for at in range(0, 8, 2)]
    return F.perspective(image, start, end, BILINEAR, fill)


POLICY = v2.RandAugment(fill=7)


def policy(name):
    """One operation of RandAugment and TrivialAugment with its magnitude, the fill 7."""
    return lambda image, magnitude=0.0: POLICY._apply_image_or_video_transform(
        image, name, magnitude, interpolation=NEAREST, fill=POLICY._fill
    )


OPERATIONS = {
    "resize": lambda image, size: F.resize(image, [size], BILINEAR, antialias=True),
    "resize_exact": lambda image, size: F.resize(image, [size, size], BILINEAR, antialias=True),
    "resize_nearest": lambda image, size: F.resize(image, [size, size], NEAREST),
    "resize_bilinear_aliased": lambda image, size: F.resize(image, [size, size], BILINEAR, antialias=False),
    "resize_bicubic": lambda image, size: F.resize(image, [size, size], BICUBIC, antialias=True),
    "resize_bicubic_aliased": lambda image, size: F.resize(image, [size, size], BICUBIC, antialias=False),
    "resize_lanczos": lambda image, size: lanczos(image, size, size),
    "center_crop": lambda image, size: F.center_crop(image, [size, size]),
    "pad": lambda image, padding, fill: F.pad(image, [padding] * 4, fill=fill),
    "pad_reflect": lambda image, padding: F.pad(image, [padding] * 4, padding_mode="reflect"),
    "pad_edge": lambda image, padding: F.pad(image, [padding] * 4, padding_mode="edge"),
    "horizontal_flip": lambda image: F.horizontal_flip(image),
    "vertical_flip": lambda image: F.vertical_flip(image),
    "window": lambda image, left, top, size, padding: F.crop(
        F.pad(image, [padding] * 4), top + padding, left + padding, size, size
    ),
    "resized_crop": lambda image, left, top, width, height, size: F.resized_crop(
        image, top, left, height, width, [size, size], BILINEAR, antialias=True
    ),
    "resized_crop_bicubic_aliased": lambda image, left, top, width, height, size: F.resized_crop(
        image, top, left, height, width, [size, size], BICUBIC, antialias=False
    ),
    # The fill that RandomRotation passes where none is given.
    "rotation": lambda image, degrees: F.rotate(image, degrees, BILINEAR, fill=BLACK),
    "rotation_fill": lambda image, degrees, fill: F.rotate(image, degrees, BILINEAR, fill=fill),
    "rotation_expand": lambda image, degrees: F.rotate(image, degrees, BILINEAR, expand=True, fill=BLACK),
    "rotation_reflect": lambda image, degrees: rotation_beyond(image, degrees, "reflection"),
    "rotation_edge": lambda image, degrees: rotation_beyond(image, degrees, "border"),
    "affine": affine,
    "affine_fill": lambda image, *numbers: affine(image, *numbers[:6], fill=numbers[6]),
    "affine_reflect": lambda image, *numbers: affine_beyond(image, *numbers, "reflection"),
    "affine_edge": lambda image, *numbers: affine_beyond(image, *numbers, "border"),
    "perspective": perspective,
    "perspective_fill": lambda image, *numbers: perspective(image, *numbers[:8], fill=numbers[8]),
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "hue": F.adjust_hue,
    "grayscale": lambda image: F.rgb_to_grayscale(image, 3),
    "solarize": F.solarize,
    "posterize": F.posterize,
    "equalize": F.equalize,
    "autocontrast": F.autocontrast,
    "sharpness": F.adjust_sharpness,
    "gaussian_blur": lambda image, size, sigma: F.gaussian_blur(image, [size, size], [sigma, sigma]),
    "jpeg": F.jpeg,
    "erase": lambda image, left, top, width, height, level: F.erase(
        image, top, left, height, width, torch.tensor([float(level)])[:, None, None]
    ),
    "policy_identity": policy("Identity"),
    "policy_shear_x": policy("ShearX"),
    "policy_shear_y": policy("ShearY"),
    "policy_translate_x": policy("TranslateX"),
    "policy_translate_y": policy("TranslateY"),
    "policy_rotate": policy("Rotate"),
    "policy_brightness": policy("Brightness"),
    "policy_color": policy("Color"),
    "policy_contrast": policy("Contrast"),
    "policy_sharpness": policy("Sharpness"),
    "policy_posterize": policy("Posterize"),
    "policy_solarize": policy("Solarize"),
    "policy_autocontrast": policy("AutoContrast"),
    "policy_equalize": policy("Equalize"),
}


def made_by(operation, image, numbers):
    return OPERATIONS[operation](image, *numbers)


def case_name(source, operation, numbers):
    return "_".join([source, operation, *map(str, numbers)])
