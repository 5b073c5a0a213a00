"""What a probe comes to, in sentences: may this be cut, was it made for it, in which order are its numbers."""

from matryo.encoders.certificate import Certificate, Quality
from matryo.evaluation.geometry_result import Geometry
from matryo.reports.document import Fact
from matryo.reports.formats import count, percent, percent_range

_BYTES_PER_NUMBER = 4
_ANSWERS = {True: "yes", False: "no", None: "not decided"}


def may_be_cut(certificate: Certificate, share: float) -> str:
    """The verdict in one sentence without its full stop.

    Args:
        certificate: what was found.
        share: of the full width's quality that had to be kept, one of those that were tested.
    """
    width, quality, asked = certificate.dims[-1], certificate.quality, f"{100 * share:g} %"
    if quality is None:
        return (
            f"Not decided: texts without judgements show how {certificate.model} orders its {width} numbers, not what "
            "a cut costs"
        )
    dim = smallest(quality, share, width)
    judged = f"{quality.measure} on {quality.judged_by} ({_size(quality)})"
    if dim < width:
        return (
            f"Yes: {certificate.model} may be cut to {dim} of {width} numbers, which keep {_kept(quality, dim)} of "
            f"{judged}; at least {asked} was asked"
        )
    widest = certificate.dims[-2]
    return (
        f"No: no dim of {certificate.model} below {width} was shown to keep {asked} of {judged}; {widest} numbers keep "
        f"{_kept(quality, widest)}"
    )


def was_trained(quality: Quality) -> str:
    """Whether the model was made to be cut, with the reason."""
    return f"Made to be cut: {_ANSWERS[quality.trained]}; {quality.why}."


def geometry_sentences(geometry: Geometry) -> tuple[str, ...]:
    """Both verdicts that need no judgements, with their reasons."""
    return (
        f"Prefix privileged over other numbers: {_ANSWERS[geometry.privileged]}. {geometry.privileged_why}",
        f"Ordered by variance: {_ANSWERS[geometry.variance_ordered]}. {geometry.variance_why}",
        *([f"Kinks at {', '.join(map(str, geometry.kinks))}."] if geometry.kinks else []),
    )


def geometry_in_short(geometry: Geometry) -> str:
    """Both verdicts that need no judgements, without their reasons."""
    kinks = f"; kinks at {', '.join(map(str, geometry.kinks))}" if geometry.kinks else ""
    return (
        f"Geometry: prefix privileged over other numbers: {_ANSWERS[geometry.privileged]}; ordered by variance: "
        f"{_ANSWERS[geometry.variance_ordered]}{kinks}."
    )


def probe_facts(certificate: Certificate, share: float) -> tuple[Fact, ...]:
    """Numbers for the first screen."""
    width, quality = certificate.dims[-1], certificate.quality
    if quality is None:
        geometry = Geometry.from_json(certificate.geometry)
        return (
            Fact(_ANSWERS[geometry.privileged], "prefix privileged over other numbers"),
            Fact(_ANSWERS[geometry.variance_ordered], "ordered by variance"),
            Fact(count(certificate.texts.n), "texts"),
            Fact(str(width), "numbers per vector"),
        )
    dim = smallest(quality, share, width)
    trained = Fact(_ANSWERS[quality.trained], "made to be cut")
    return (
        Fact(f"{dim} of {width}", "numbers to keep"),
        Fact(f"{count(_BYTES_PER_NUMBER * dim)} of {count(_BYTES_PER_NUMBER * width)}", "bytes per vector, float32"),
        trained,
        Fact(count(quality.n), "queries" + (f" in {quality.n_groups:,} groups" if quality.n_groups else "")),
    )


def smallest(quality: Quality, share: float, width: int) -> int:
    """The smallest dim shown to keep a tested share; the width if that share was not tested."""
    return quality.smallest.get(f"{share:g}", width)


def shown_at(quality: Quality, dim: int, width: int) -> str:
    """The largest tested share that a dim was shown to keep.

    >>> quality = Quality("m", 1, None, "d", (), {"0.99": 8, "0.95": 4}, None, None, "")
    >>> shown_at(quality, 4, 8), shown_at(quality, 2, 8), shown_at(quality, 8, 8)
    ('95 %', '-', 'all')
    """
    if dim == width:
        return "all"
    passed = [float(share) for share, least in quality.smallest.items() if dim >= least]
    return f"{100 * max(passed):g} %" if passed else "-"


def _kept(quality: Quality, dim: int) -> str:
    point = next(point for point in quality.points if point["dim"] == dim)
    if point["share_low"] is None or point["share_high"] is None:
        return percent(point["share"])
    return f"{percent(point['share'])} [{percent_range(point['share_low'], point['share_high'])}]"


def _size(quality: Quality) -> str:
    grouped = f" in {quality.n_groups:,} groups" if quality.n_groups else ""
    return f"{quality.n:,} queries{grouped}"
