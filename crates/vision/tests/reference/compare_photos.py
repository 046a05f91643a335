"""Writes what torchvision makes of real photos into a folder, for `cargo test` to hold this crate against:

    python compare_photos.py cats-dogs.zip FOLDER
    TINTYPE_PHOTO_REFERENCE=FOLDER cargo test --release -p tintype-vision photos -- --ignored --nocapture

Twenty photos are taken, evenly over the archive. They are stored as Pillow decoded them, so that the transforms
alone are compared. Nothing of it belongs into the repository.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

from operations import as_pillow, as_tensor, case_name, made_by
from PIL import Image

PHOTOS = 20

CASES = [
    ("resize", [224]),
    ("resize_exact", [160]),
    ("resize_nearest", [224]),
    ("resize_bilinear_aliased", [224]),
    ("resize_bicubic", [224]),
    ("resize_bicubic_aliased", [224]),
    ("resize_lanczos", [224]),
    ("center_crop", [224]),
    ("pad", [30, 128]),
    ("pad_reflect", [30]),
    ("pad_edge", [30]),
    ("horizontal_flip", []),
    ("vertical_flip", []),
    ("window", [-20, 31, 224, 32]),
    ("resized_crop", [20, 30, 150, 110, 224]),
    ("resized_crop_bicubic_aliased", [20, 30, 150, 110, 224]),
    ("rotation", [17]),
    ("rotation_fill", [-40, 128]),
    ("rotation_expand", [17]),
    ("rotation_reflect", [33]),
    ("rotation_edge", [33]),
    ("affine", [15, 12, -8, 0.8, 10, -5]),
    ("affine_fill", [15, 12, -8, 0.8, 10, -5, 128]),
    ("affine_reflect", [15, 12, -8, 0.8, 10, -5]),
    ("affine_edge", [15, 12, -8, 0.8, 10, -5]),
    ("perspective", [12, 20, 120, 3, 110, 90, 30, 100]),
    ("perspective_fill", [12, 20, 120, 3, 110, 90, 30, 100, 128]),
    ("brightness", [1.3]),
    ("contrast", [1.4]),
    ("saturation", [0.5]),
    ("hue", [0.1]),
    ("grayscale", []),
    ("solarize", [128]),
    ("posterize", [4]),
    ("equalize", []),
    ("autocontrast", []),
    ("sharpness", [1.8]),
    ("gaussian_blur", [9, 2.0]),
    ("gaussian_blur", [23, 6.0]),
    ("jpeg", [25]),
    ("jpeg", [75]),
    ("jpeg", [95]),
    ("erase", [10, 20, 50, 60, 128]),
    ("policy_identity", []),
    ("policy_shear_x", [0.09]),
    ("policy_shear_x", [0.2]),
    ("policy_shear_y", [-0.5]),
    ("policy_shear_y", [0.2]),
    ("policy_translate_x", [-20.7]),
    ("policy_translate_y", [31.2]),
    ("policy_rotate", [-27]),
    ("policy_rotate", [45]),
    ("policy_rotate", [-90]),
    ("policy_brightness", [-0.4]),
    ("policy_color", [0.7]),
    ("policy_contrast", [-0.6]),
    ("policy_sharpness", [0.9]),
    ("policy_posterize", [3]),
    ("policy_solarize", [0.5]),
    ("policy_autocontrast", []),
    ("policy_equalize", []),
]


def main(archive, folder):
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    with zipfile.ZipFile(archive) as photos:
        names = sorted(name for name in photos.namelist() if name.lower().endswith(".jpg"))
        for number in range(PHOTOS):
            name = names[number * len(names) // PHOTOS]
            image = as_tensor(Image.open(io.BytesIO(photos.read(name))).convert("RGB"))
            source = f"photo{number:02}"
            as_pillow(image).save(folder / f"{source}.png", compress_level=1)
            for operation, numbers in CASES:
                result = case_name(source, operation, numbers)
                as_pillow(made_by(operation, image, numbers)).save(folder / f"{result}.png", compress_level=1)
                cases.append({"name": result, "source": source, "operation": operation, "numbers": numbers})
    (folder / "cases.json").write_text(json.dumps({"cases": cases}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
