"""A reviewer's tools: verdicts on claims, collected in a worksheet, and two calculations (lesson 10).

A report leaves settings open. So a claim is checked under every reading of it that the text
allows; where the readings disagree, the text does not decide the claim, and nobody should.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

import numpy as np

from course_lib import evaluation

SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "cannot be decided"
NEAR = 0.02     # how near `tune` comes to its target, in decibels


def verdict(readings: dict[str, bool]) -> str:
    """What the readings of a claim come to.

    Parameters
    ----------
    readings : {a way to understand or to check the claim: whether the claim holds then}.

    Returns
    -------
    "supported" if it holds in all, "not supported" if in none, "cannot be decided" if they
    disagree or there is none.
    """
    results = [bool(holds) for holds in readings.values()]
    if not results or any(results) != all(results):
        return UNDECIDED
    return SUPPORTED if all(results) else NOT_SUPPORTED


@dataclass(frozen=True)
class Finding:
    """One claim, where it stands, its readings, and the number or fact that a check gave."""

    source: str
    claim: str
    readings: dict[str, bool]
    evidence: str

    @property
    def verdict(self) -> str:
        return verdict(self.readings)


@dataclass
class Worksheet:
    """Findings in the order in which they were made; shows itself as a table."""

    findings: list[Finding] = field(default_factory=list)

    def add(self, source: str, claim: str, readings: dict[str, bool], evidence: str) -> "Worksheet":
        """Enter a finding; returns it as a worksheet of one line, for display.

        A claim that is entered again, as by a cell that runs twice, replaces its first entry.
        """
        finding = Finding(source, claim, {name: bool(holds) for name, holds in readings.items()}, evidence)
        places = [i for i, old in enumerate(self.findings) if (old.source, old.claim) == (source, claim)]
        if places:
            self.findings[places[0]] = finding
        else:
            self.findings.append(finding)
        return Worksheet([finding])

    def count(self) -> dict[str, int]:
        """{verdict: how many claims}."""
        verdicts = [finding.verdict for finding in self.findings]
        return {kind: verdicts.count(kind) for kind in (SUPPORTED, NOT_SUPPORTED, UNDECIDED)}

    def __str__(self) -> str:
        return "\n".join(
            f"{finding.source}: {finding.claim} | {finding.evidence} | "
            + "; ".join(f"{name}: {_mark(holds)}" for name, holds in finding.readings.items())
            + f" | {finding.verdict}" for finding in self.findings)

    __repr__ = __str__      # what a terminal and a stored notebook show beside the HTML

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="text-align:left;">{name}</th>'
                       for name in ("where", "claim", "evidence", "does it hold?", "verdict"))
        style = 'style="text-align:left;vertical-align:top;"'
        rows = []
        for finding in self.findings:
            readings = "<br>".join(f"{escape(name)}: {_mark(holds)}" for name, holds in finding.readings.items())
            cells = [escape(finding.source), escape(finding.claim), escape(finding.evidence),
                     readings or "nothing to check it by", f"<b>{finding.verdict}</b>"]
            rows.append("<tr>" + "".join(f"<td {style}>{cell}</td>" for cell in cells) + "</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _mark(holds: bool) -> str:
    return "yes" if holds else "no"


def least_count(maximum: float, minimum: float, mean: float, unit: float = 0.01) -> int:
    """The smallest number of values that can have these three statistics.

    Parameters
    ----------
    maximum, minimum, mean : as printed, rounded to `unit`; each stands for an interval of half
        a unit to both sides, without its ends.

    Raises
    ------
    ValueError if the mean does not lie between minimum and maximum.
    """
    half = unit / 2
    if minimum == mean == maximum:
        return 1
    if not minimum <= mean <= maximum:
        raise ValueError(f"the mean {mean} does not lie between {minimum} and {maximum}; no values have these statistics.")
    n = 2
    while True:     # one value is the maximum, one the minimum; the others lie anywhere between
        lowest = (maximum - half + (n - 1) * (minimum - half)) / n
        highest = (minimum + half + (n - 1) * (maximum + half)) / n
        if max(lowest - (mean + half), (mean - half) - highest) < -1e-6 * unit:
            return n
        n += 1


def tune(degrade: Callable, sharp: np.ndarray, target: float, high: float, measure: Callable = evaluation.psnr) -> float:
    """The strength of a degradation at which a photograph reaches a given PSNR, within 0.02 dB, by bisection.

    Parameters
    ----------
    degrade : degrade(sharp, strength) returns an image of the same kind; more strength, less PSNR.
    sharp : uint8 (H, W, 3).
    target : PSNR in decibels.
    high : a strength that is too much. 0 is too little.
    measure : measure(sharp, image) in decibels.

    Raises
    ------
    ValueError if `high` is not too much, or no strength comes so near.
    """
    def score(strength: float) -> float:
        return measure(sharp, degrade(sharp, strength))

    if not score(high) < target:
        raise ValueError(f"at the strength {high:g} the PSNR is still {score(high):.2f} dB, not below {target:g}; give a higher one.")
    low = 0.0
    for _ in range(40):
        middle = (low + high) / 2
        now = score(middle)
        if abs(now - target) <= NEAR:
            return middle
        low, high = (middle, high) if now > target else (low, middle)
    raise ValueError(f"no strength gives {target:g} dB within {NEAR:g}: near {middle:g} the PSNR jumps to {now:.2f} dB.")
