"""Commands that tell what is known of models before one is cut: models, models show."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from matryo.cli.notices import say_notes
from matryo.cli.options import CardsFile, Verbose

if TYPE_CHECKING:
    from matryo.encoders.cards import Card, Cards
    from matryo.encoders.certificate import Certificate

models_app = typer.Typer(
    help="What is known of models: width, the dims they may be cut to, who says so, what was measured.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHARE = 0.95
_HEAD = ("name", "width", "dims", "status", "source", "measured")
_LABEL = 11


@models_app.callback(
    epilog="Examples: matryo models;  matryo models show bge-m3;  matryo models show runs/mine/model",
)
def models(ctx: typer.Context, cards: CardsFile = None, as_json: AsJson = False, verbose: Verbose = False) -> None:
    """List the models that there are cards for: width, dims, status, source, and what was measured here."""
    if ctx.invoked_subcommand is not None:
        return
    from matryo.encoders.cards_file import read_cards

    known = read_cards(cards)
    measured = _certificates(known)
    say_notes(known.notes)
    if as_json:
        typer.echo(json.dumps([_as_json(card, known, measured.get(card.name)) for card in known], indent=2))
        return
    rows = [
        (card.name, str(card.width), _dims(card), card.status, _source(card), _measured(measured.get(card.name)))
        for card in known
    ]
    widths = [max(len(row[i]) for row in [_HEAD, *rows]) for i in range(len(_HEAD))]
    for row in [_HEAD, *rows]:
        cells = [
            cell.rjust(w) if i == 1 else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())


@models_app.command(epilog="Examples: matryo models show nomic-embed-text-v1.5;  matryo models show runs/mine/model")
def show(
    model: Annotated[str, typer.Argument(help="A name, alias or hub id of a card, or a model folder.")],
    cards: CardsFile = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show one model: its card, what its own files say of its dims, and its certificate if it was probed."""
    from matryo.encoders.cards_file import read_cards
    from matryo.encoders.certificate import CERTIFICATE_FILE, read_certificate
    from matryo.encoders.declared import read_declared, snapshot_folder
    from matryo.errors import MatryoError

    known = read_cards(cards)
    say_notes(known.notes)
    card = known.find(model)
    # as in loading, the names of packaged models come before folders of that name
    folder = Path(model) if Path(model).is_dir() and not (card and card.packaged) else None
    card = known.of_model(model, folder)
    hub = card.hub if card is not None else (model if model.count("/") == 1 else None)
    files = folder if folder is not None else (snapshot_folder(hub) if hub else None)
    if card is None and files is None:
        near = known.near(model)
        like = f"like names: {', '.join(near)}" if near else "matryo models lists them"
        raise MatryoError(f"{model!r} is in no card and no model folder or downloaded hub id; {like}")
    declared = None if files is None else read_declared(files)
    if folder is not None:
        path = folder / CERTIFICATE_FILE
        certificate = read_certificate(path) if path.is_file() else None
    else:
        certificate = _certificates(known).get(model if card is None else card.name)
    if as_json:
        found = {} if card is None else _as_json(card, known, certificate)
        claims = (
            [] if declared is None else [{"file": c.file, "words": c.words, "dims": c.dims} for c in declared.claims]
        )
        whole = None if certificate is None else certificate.to_json()
        typer.echo(json.dumps({**found, "files": claims, "certificate": whole}, indent=2))
        return
    for line in [*_card_lines(card, known, model), *_file_lines(declared), *_certificate_lines(certificate)]:
        typer.echo(line)


def _card_lines(card: "Card | None", known: "Cards", model: str) -> list[str]:
    if card is None:
        return [f"{model}: no card"]
    facts = {
        "also": ", ".join(card.aliases),
        "hub": " at ".join(part for part in (card.hub, card.revision) if part),
        "width": str(card.width),
        "status": card.status + (f": {_dims(card)}" if card.status == "confirmed" else ""),
        "says": "" if card.source is None else card.source.says,
        "source": "" if card.source is None else f"{card.source.link} (read {card.source.date})",
        "notes": card.notes,
        "links": ", ".join(card.links),
        "prompts": ", ".join(f"{role} {text!r}" for role, text in card.prompts.model_dump().items() if text),
        "pooling": card.pooling or "",
        "before cut": "" if card.before_cut == "none" else card.before_cut.replace("_", " "),
        "similarity": card.similarity,
        "licence": card.licence or "",
        "max tokens": "" if card.max_tokens is None else str(card.max_tokens),
        "code": "needs its authors' code: --trust-remote-code" if card.remote_code else "",
        "weights": "ONNX files only" if card.onnx else "",
        "service": card.api or "",
        "package": card.packaged or "",
    }
    return [f"{card.name} ({known.origin(card)} card)", *_labelled(facts)]


def _file_lines(declared: Any) -> list[str]:
    if declared is None:
        return []
    claims = [str(claim) for claim in declared.claims] or ["nothing about dims"]
    return [f"its own files ({declared.folder})", *(f"  {claim}" for claim in claims)]


def _certificate_lines(certificate: "Certificate | None") -> list[str]:
    if certificate is None:
        return ["no certificate: nobody has probed it here (matryo probe)"]
    facts = {
        "texts": f"{certificate.texts.name}, {certificate.texts.n:,}",
        "measured": _measured(certificate),
        "dims": ", ".join(map(str, certificate.dims)),
        "space": f"{certificate.space_id}, compared with the model's when it is loaded",
    }
    advice = [f"  {sentence}" for sentence in certificate.advice]
    return [f"certificate of {certificate.date}", *_labelled(facts), *advice]


def _labelled(facts: dict[str, str]) -> list[str]:
    return [f"  {label.ljust(_LABEL)} {value}" for label, value in facts.items() if value]


def _dims(card: "Card") -> str:
    if card.status != "confirmed":
        return "-"
    listed = [str(dim) for dim in card.dims] or [f"any from {card.any_from}"]
    return ", ".join([*listed, str(card.width)]) if card.dims else f"{listed[0]} to {card.width}"


def _source(card: "Card") -> str:
    return "-" if card.source is None else f"{urlsplit(card.source.link).netloc or card.source.link} {card.source.date}"


def _measured(certificate: "Certificate | None") -> str:
    if certificate is None:
        return "-"
    if certificate.quality is None:
        return f"geometry only, {certificate.date}"
    least = certificate.passed(_SHARE)[0]
    quality = certificate.quality
    return f"{_SHARE:.0%} from {least} ({quality.measure}, {quality.judged_by}, {certificate.date})".replace("%", " %")


def _certificates(known: "Cards") -> dict[str, "Certificate"]:
    """The newest certificate in the user's data folder by the name of the model's card, or as it was named there."""
    from matryo.encoders.certificate import data_folder, read_certificate

    found: dict[str, Certificate] = {}
    for path in sorted((data_folder() / "certificates").glob("*.json")):
        certificate = read_certificate(path)
        card = known.find(certificate.model)
        if card is not None and card.width != certificate.space.width:
            continue  # of a set that bears the name of a model, cut or of another one
        name = certificate.model if card is None else card.name
        if name not in found or found[name].date <= certificate.date:
            found[name] = certificate
    return found


def _as_json(card: "Card", known: "Cards", certificate: "Certificate | None") -> dict[str, Any]:
    measured = None if certificate is None else _measured(certificate)
    return {**card.model_dump(mode="json"), "origin": known.origin(card), "measured": measured}
