"""Model folders on disk: what makes one, and what matryo notes beside a model."""

from pathlib import Path

from matryo.errors import FormatError

# All that a model needs except pickled weights and code.
MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.md", "*.jinja")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")


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
    for part in (folder, *sorted(p for p in folder.iterdir() if p.is_dir())):
        pickled = sorted(path.name for pattern in _PICKLED for path in part.glob(pattern))
        if pickled and not any(part.glob("*.safetensors")):
            raise FormatError(
                f"{part} has its weights as a pickle ({pickled[0]}), which can run code when loaded; convert it to "
                "safetensors, or allow pickles if you trust its origin"
            )
