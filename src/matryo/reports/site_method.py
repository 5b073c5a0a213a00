"""The page on the method: the translators as drawings, what every measure is, and how the numbers came about."""

from collections.abc import Sequence

from matryo.reports.document import Section
from matryo.reports.html import html_prose
from matryo.reports.site_architecture import architecture_blocks
from matryo.reports.site_index import Placed
from matryo.reports.site_page import Link, Page, Raw
from matryo.reports.study_report import ROWS

METHOD_PATH = "method.html"
_LEAD = (
    "Texts are encoded once by every model. A translator is fitted on most of them, from one space toward another, and "
    "judged on the others."
)
_MEASURES = (
    ("R2", "1 - squared error / squared deviation from the target's training mean, both summed over texts and numbers. "
     "The only error that may be compared between targets."),
    ("MSE", "Mean squared error per number. A target of more numbers has a smaller variance per number, and so a "
     "smaller MSE whatever the map is worth: it stands beside the target's variance and within one target only."),
    ("mean cosine", "Of a translated vector with the native one of its text. High by itself where all native vectors "
     "point one way; the target mean shows how high."),
    ("mutual neighbours", "Share of a text's nearest neighbours among native vectors that the translated vectors have "
     "too; the text itself is left out."),
    ("top-1, mean rank", "Whether a translated vector is nearest to its own native vector among all, and at which "
     "place that is; back: the other way round. CSLS corrects for hubs, vectors that are near to everything."),
    ("Jaccard, edit distance, RBO, rank-harmonic", "Agreement of two lists of neighbours: by their sets, by the edits "
     "that turn one into the other, by ranks with the first ones weighing most. An edit distance is divided by the "
     "length of the lists: 0 is equal, 1 has every place changed."),
    ("CKA", "Linear centred kernel alignment of two spaces, debiased, beside what rows paired at random give; of "
     "prefixes that are renormalised. That of the two native spaces is known before anything is trained."),
    ("resemblance", "Mutual neighbours of translated vectors with the target's space minus those with the source's: "
     "above 0 they are more like what they imitate than like where they come from."),
    ("share of the gap", "(translated - keep) / (re-encode - keep), of the nDCG@10 of real questions; undefined where "
     "encoding anew wins nothing."),
    ("trustworthiness", "Whether points that are near in a map of texts are near in the space; 1 is best."),
)  # fmt: skip


def method_page(placed: Sequence[Placed]) -> Page:
    """The page on the method.

    Args:
        placed: the studies of the site, whose translators are drawn.
    """
    terms = "".join(f"<dt>{html_prose(name)}</dt><dd>{html_prose(text)}</dd>" for name, text in _MEASURES)
    rules = [table.notes for one in placed if (table := one.study.table("migrations")) is not None]
    return Page(
        path=METHOD_PATH,
        title="Method: translating between embedding spaces",
        heading="How it was measured",
        lead=_LEAD,
        blocks=(
            *architecture_blocks([one.study for one in placed]),
            Raw("What the measures are", f'<dl class="terms">{terms}</dl>'),
            Section("How to read the rows", bullets=ROWS),
            Section("When to bridge", text=tuple(dict.fromkeys(note for notes in rules for note in notes))),
            Section("Notes of the runs", bullets=tuple(_notes(placed))),
        ),
        trail=(Link("index.html", "Start"),),
    )


def _notes(placed: Sequence[Placed]) -> list[str]:
    alone = len(placed) == 1
    return [note if alone else f"{one.study.name}: {note}" for one in placed for note in one.study.results.notes]
