"""Formats of the report of a preflight check: text and JSON."""

from __future__ import annotations

import json
from itertools import groupby

from nmt.preflight.check import PreflightReport
from nmt.preflight.findings import Severity

_INDENT = 2 * " "
_SIGNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFORMATION: "·"}


def as_text(report: PreflightReport, *, quiet: bool) -> list[str]:
    """Formats the findings by group, with their number at the end; if `quiet`, those that matter."""
    shown = [finding for finding in report.findings if not quiet or finding.severity != Severity.INFORMATION]
    lines: list[str] = []
    for group, findings in groupby(shown, key=lambda finding: finding.group):
        lines.append(str(group))
        for finding in findings:
            where = f"{finding.where}: " if finding.where else ""
            lines.append(f"{_INDENT}{_SIGNS[finding.severity]} {where}{finding.what}")
            if finding.advice:
                lines.append(f"{2 * _INDENT}→ {finding.advice}")
    return [*lines, _summary(report)] if lines or not quiet else []


def _summary(report: PreflightReport) -> str:
    errors, warnings = (
        sum(finding.severity == severity for finding in report.findings)
        for severity in (Severity.ERROR, Severity.WARNING)
    )
    if not errors and not warnings:
        if any(finding.kind == "finished" for finding in report.findings):
            return "nothing to check: the training is finished"
        return "nothing found that would make training fail or disappoint"
    counted = [_counted(errors, "error"), _counted(warnings, "warning")]
    ending = f"; training, or `nmt eval` after it, would end with exit code {report.exit_code}" if errors else ""
    return " and ".join(counted) + ending


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def as_json(report: PreflightReport) -> str:
    """Formats the report as one JSON object on one line."""
    findings = [finding.to_json() for finding in report.findings]
    value = {"exit_code": report.exit_code, "findings": findings, "expected": report.estimates}
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
