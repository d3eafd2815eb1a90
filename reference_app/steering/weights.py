"""Looks at weight folders without opening the weights: paths, formats, shapes.

Promise: nothing outside the models folder is read, no pickle is opened, and shapes come
from the safetensors header alone, so this needs neither torch nor the tensors' memory.
"""

import json
import struct
from pathlib import Path
from typing import Any

from reference_app.steering.errors import DamagedFile, OutsideRoot, PickleRefused

#: Endings of formats that run code when they are opened.
PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")
#: Longest safetensors header accepted, in bytes; the format's own limit.
MAX_HEADER = 100_000_000


def folder_inside(root: Path, kind: str, name: str) -> Path:
    """Return the folder `root/kind/name` with links resolved; it need not exist.

    OutsideRoot when the name climbs, or when a link in the folder leads out of `root`;
    PickleRefused when the name is that of a pickle file.
    """
    refuse_pickle(Path(name))
    folder, top = root / kind / name, root.resolve()
    escapes = ".." in Path(name).parts
    resolved = folder.resolve()
    parts = sorted(resolved.iterdir()) if not escapes and resolved.is_dir() else []
    # Only a link leads out of a folder, and to resolve each file takes a millisecond.
    for path in (folder, *(part for part in parts if part.is_symlink())):
        if escapes or not path.resolve().is_relative_to(top):
            raise OutsideRoot(
                f"{str(path)!r} leaves the models folder {str(root)!r}. Copy the files "
                "into the models folder and name them by id, without '..' or links out."
            )
    return resolved


def refuse_pickle(path: Path) -> None:
    """PickleRefused when the name of `path` is that of a pickle file."""
    if path.suffix.lower() in PICKLES:
        raise PickleRefused(
            f"{path.name!r} is a pickle file, which can run code when opened. Convert "
            "it to safetensors in a sandbox and put the .safetensors file in its place."
        )


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`; DamagedFile when there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedFile(
            f"{path.name!r} is missing in {str(path.parent)!r}. Copy the whole folder."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DamagedFile(
            f"{str(path)!r} is not readable JSON ({error}). Copy the file again."
        ) from error
    if not isinstance(value, dict):
        raise DamagedFile(
            f"{str(path)!r} holds a {type(value).__name__}, expected a JSON object."
        )
    return value


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor in a safetensors file, from its header."""
    refuse_pickle(path)
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER:
                raise ValueError(f"header of {length} bytes")
            header = dict(json.loads(file.read(length)))
        return {
            name: tuple(int(side) for side in entry["shape"])
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except FileNotFoundError:
        raise DamagedFile(
            f"{path.name!r} is missing in {str(path.parent)!r}. Copy the whole folder."
        ) from None
    except (OSError, struct.error, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(
            f"{str(path)!r} is not a safetensors file ({error}). Copy it again; a Git "
            "LFS pointer or a renamed pickle looks like this too."
        ) from error


def model_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of a Hugging Face folder's weights, in one file or in shards."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        for path in sorted(folder.iterdir()):
            refuse_pickle(path)
        raise DamagedFile(
            f"{str(folder)!r} holds no .safetensors file. Save the model with "
            "save_pretrained(folder), which writes safetensors."
        )
    shapes: dict[str, tuple[int, ...]] = {}
    for path in files:
        shapes |= tensor_shapes(path)
    return shapes
