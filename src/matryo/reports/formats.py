"""How numbers are printed in reports, everywhere alike."""

import math


def number(value: float) -> str:
    """A value of a measure, three digits; a dash if there is none.

    Example:
        >>> number(0.4951), number(float("nan"))
        ('0.495', '-')
    """
    return f"{value:.3f}" if math.isfinite(value) else "-"


def percent(value: float) -> str:
    """A share, one digit.

    Example:
        >>> percent(0.9812)
        '98.1 %'
    """
    return f"{100 * value:.1f} %" if math.isfinite(value) else "-"


def number_range(low: float, high: float) -> str:
    """Both ends of an interval of a measure; nothing if there is none."""
    between = "–" if low >= 0 else " to "  # noqa: RUF001 - a dash before a minus sign misleads
    return f"{low:.3f}{between}{high:.3f}" if math.isfinite(low) and math.isfinite(high) else ""


def percent_range(low: float, high: float) -> str:
    """Both ends of an interval of a share; nothing if there is none."""
    between = "–" if low >= 0 else " to "  # noqa: RUF001
    return f"{100 * low:.1f}{between}{100 * high:.1f} %" if math.isfinite(low) and math.isfinite(high) else ""


def signed(value: float) -> str:
    """A difference with its sign, three digits.

    Example:
        >>> signed(0.0361), signed(-0.0004)
        ('+0.036', '-0.000')
    """
    return f"{value:+.3f}" if math.isfinite(value) else "-"


def signed_range(low: float, high: float) -> str:
    """Both ends of an interval of a difference; nothing if there is none."""
    return f"{low:+.3f} to {high:+.3f}" if math.isfinite(low) and math.isfinite(high) else ""


def count(value: float) -> str:
    """A count with its thousands set off; a dash if there is none.

    Example:
        >>> count(1536)
        '1,536'
    """
    return f"{value:,.0f}" if math.isfinite(value) else "-"


def seconds(value: float) -> str:
    """A duration, to about three digits.

    Example:
        >>> seconds(38.24), seconds(0.0312), seconds(754.6)
        ('38.2', '0.031', '755')
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"
