"""Figures as a Korean reader sees them. Pure text; arrows and colours belong to the views."""

from __future__ import annotations

_MAN, _EOK, _JO = 10_000, 100_000_000, 1_000_000_000_000


def won(value: int) -> str:
    """Won to the unit: `1,234,567원`."""
    return f"{value:,}원"


def won_signed(value: int) -> str:
    """A change in won with its sign: `+1,200원`, `-300원`, `0원`."""
    return f"{value:+,}원" if value else "0원"


def won_large(value: int) -> str:
    """Won to the nearest 억 (a tenth of one below 100억, a 만 below 1억): `112조 3,456억원`, `12.3억원`, `560만원`."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size < _MAN:
        return won(value)
    if size < _EOK - _MAN // 2:
        return f"{sign}{_nearest(size, _MAN):,}만원"
    if size < 100 * _EOK - _EOK // 20:
        return f"{sign}{_nearest(size, _EOK // 10) / 10:.1f}억원"
    jo, eok = divmod(_nearest(size, _EOK), _JO // _EOK)
    parts = [f"{jo:,}조"] if jo else []
    parts += [f"{eok:,}억"] if eok else []
    return f"{sign}{' '.join(parts)}원"


def _nearest(value: int, unit: int) -> int:
    return (value + unit // 2) // unit


def shares(value: int) -> str:
    """A number of shares: `1,234,567주`."""
    return f"{value:,}주"


def count(value: int, unit: str = "건") -> str:
    """A count with its counting word: `12건`."""
    return f"{value:,}{unit}"


def percent(value: float, digits: int = 1) -> str:
    """A percentage given in percent: `12.3%`."""
    return f"{number(value, digits)}%"


def percent_signed(value: float, digits: int = 2) -> str:
    """A change given in percent with its sign: `+1.23%`, `-0.40%`, `0.00%`."""
    rounded = round(value, digits)
    return f"{rounded:+,.{digits}f}%" if rounded else f"{0:.{digits}f}%"


def times(value: float, digits: int = 2) -> str:
    """A multiple: `12.34배`."""
    return f"{number(value, digits)}배"


def number(value: float, digits: int = 1) -> str:
    """A plain number with thousands separators, never `-0.0`."""
    return f"{round(value, digits) or 0:,.{digits}f}"
