"""The models of a study's spaces: made where the config says so, loaded, and noted beside what they encoded."""

from dataclasses import dataclass
from pathlib import Path

from matryo.encoders.base import Encoder
from matryo.errors import MatryoError
from matryo.experiments.encoding import truncation_note
from matryo.experiments.settings import ModelSettings
from matryo.experiments.study_finetune import finetune_model
from matryo.experiments.study_space_api import api_encoder
from matryo.experiments.study_space_config import (
    ApiSpace,
    FinetunedSpace,
    LayerSpace,
    LsaSpace,
    ModelSpace,
    SpaceConfig,
)
from matryo.experiments.study_texts import StudyTexts

MODEL_FOLDER = "model"
SPACES_FOLDER = "spaces"


@dataclass(frozen=True)
class SpaceModel:
    """The model of one space.

    Attributes:
        name: of the space.
        config: of the space.
        run: folder of the run.
    """

    name: str
    config: SpaceConfig
    run: Path

    @property
    def folder(self) -> Path:
        """Of the space."""
        return self.run / SPACES_FOLDER / self.name

    @property
    def settings(self) -> ModelSettings | None:
        """By what name and settings the model is loaded once it is made; None behind a service."""
        config = self.config
        if isinstance(config, ApiSpace):
            return None
        if isinstance(config, ModelSpace):
            return _settings_of(config)
        own = str(self.folder / MODEL_FOLDER)
        if isinstance(config, LsaSpace):
            return ModelSettings(own)
        if isinstance(config, FinetunedSpace):
            return ModelSettings(own, device=config.device)
        # its code and weights were let in when the layer was taken; what is stored is safetensors
        return ModelSettings(own, config.device, config.precision, trust_remote_code=config.trust_remote_code)

    def make(self, texts: StudyTexts, *, progress: bool = False) -> tuple[str, ...]:
        """Fit or train the model if it is of a kind that is; what is whole stays.

        Returns: what a reader must know, one sentence each.
        """
        config, own = self.config, self.folder / MODEL_FOLDER
        if isinstance(config, LsaSpace):
            return (_fit_lsa(self.name, config, texts, own),)
        if isinstance(config, FinetunedSpace):
            return (finetune_model(config, texts, self.folder, progress=progress),)
        if isinstance(config, LayerSpace):
            _take_layer(config, own)
        return ()

    def load(self) -> Encoder:
        """The encoder; one behind a service sends nothing but what its config has agreed to pay for.

        Raises: as `load_encoder`.
        """
        if isinstance(self.config, ApiSpace):
            return api_encoder(self.config, self.run, agreed=self.config.yes)
        settings = self.settings
        assert settings is not None, "only a service has no settings"
        return settings.load()

    def truncated(self, encoder: Encoder, since: int = 0) -> tuple[str, ...]:
        """One sentence if the encoder has not read texts to their end; `since` is what it had counted before."""
        if isinstance(self.config, ApiSpace) and encoder.truncated > since:
            longest = self.config.api.max_characters
            return (f"{encoder.truncated - since:,} texts are longer than the {longest:,} characters that are sent",)
        return truncation_note(encoder, since)


def _settings_of(config: ModelSpace | LayerSpace) -> ModelSettings:
    return ModelSettings(
        config.name,
        config.device,
        config.precision,
        config.max_tokens,
        config.trust_remote_code,
        config.allow_pickle,
        dim=config.dim if isinstance(config, ModelSpace) else None,
    )


def _fit_lsa(name: str, config: LsaSpace, texts: StudyTexts, folder: Path) -> str:
    # imported here: a study whose spaces are all made needs no scikit-learn
    from matryo.encoders import fit_lsa, load_lsa
    from matryo.encoders.lsa_files import is_lsa

    if is_lsa(folder):
        encoder = load_lsa(folder)
    else:
        fitted = [text.text for text in texts.fitted_documents()]
        encoder = fit_lsa(fitted, config.width, max_features=config.max_features, seed=config.seed, name=name)
        encoder.save(folder)
    return (
        f"LSA, fitted on the {len(texts.fitted_ids):,} documents that translators are fitted on, no held-out one and "
        f"no query: {len(encoder.vocabulary):,} words, seed {config.seed}"
    )


def _take_layer(config: LayerSpace, folder: Path) -> None:
    # imported here: it needs torch
    from matryo.encoders import ModelEncoder, layer_encoder, save_model

    whole = _settings_of(config).load()
    if not isinstance(whole, ModelEncoder):
        raise MatryoError(f"a layer can be taken from a transformer, {config.name} is {type(whole).__name__}")
    save_model(layer_encoder(whole, config.layer), folder, overwrite=True)
