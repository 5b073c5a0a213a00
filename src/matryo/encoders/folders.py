"""Model folders on disk: what makes one, and which of its files are read."""

from pathlib import Path

from matryo.errors import FormatError
from matryo.files import read_json

# All that a model needs except pickled weights and code.
MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.md", "*.jinja")
# What models need besides whose card says that their weights are ONNX files; exporters name large weights so.
ONNX_FILES = ("*.onnx", "*.onnx_data", "*.onnx.data")
_PICKLED = "pytorch_model*.bin"


def check_model_folder(folder: Path, *, allow_pickle: bool = False) -> None:
    """Refuse a folder that sentence-transformers could not load, or only by unpickling.

    Raises: FormatError.
    """
    if not folder.is_dir():
        raise FormatError(f"{folder} is a file, expected a model folder; pass the folder that holds modules.json")
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        raise FormatError(
            f"{folder} is no model folder: it has neither modules.json (sentence-transformers) nor config.json "
            "(transformers); pass a folder written by SentenceTransformer.save_pretrained"
        )
    if allow_pickle:
        return
    for part in _module_folders(folder):
        pickled = sorted(path.name for path in part.glob(_PICKLED))
        if pickled and not any(part.glob("*.safetensors")):
            raise FormatError(
                f"{part} has its weights as a pickle ({pickled[0]}), which can run code when loaded; convert it to "
                "safetensors, or allow pickles if you trust its origin"
            )


def _module_folders(folder: Path) -> list[Path]:
    """The folder and those of its modules; a downloaded repository may hold others, which nobody loads."""
    listing = folder / "modules.json"
    modules = read_json(listing, "the list of a model's modules") if listing.is_file() else []
    named = isinstance(modules, list) and all(isinstance(m, dict) and isinstance(m.get("path"), str) for m in modules)
    if not named:
        raise FormatError(f"{listing} is no list of modules with their paths; restore it or save the model anew")
    return sorted({folder, *(folder / module["path"] for module in modules)})
