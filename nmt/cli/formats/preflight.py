"""What a check found, as text and for programs."""

from __future__ import annotations

import json
from itertools import groupby

from nmt.preflight.check import Checked
from nmt.preflight.findings import Finding, Severity

_INDENT = 2 * " "
_SIGNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFORMATION: "·"}


def as_text(checked: Checked, *, quiet: bool) -> list[str]:
    """The findings by what they are about, and at the end how many there are; if `quiet`, those that matter."""
    shown = [finding for finding in checked.findings if not quiet or finding.severity != Severity.INFORMATION]
    lines: list[str] = []
    for group, findings in groupby(shown, key=lambda finding: finding.group):
        lines.append(str(group))
        for finding in findings:
            lines += (_INDENT + _SIGNS[finding.severity] + " " + _sentence(finding),)
            if finding.advice:
                lines.append(f"{2 * _INDENT}→ {finding.advice}")
    return [*lines, _summary(checked)] if lines or not quiet else []


def _sentence(finding: Finding) -> str:
    return f"{finding.where}: {finding.what}" if finding.where else finding.what


def _summary(checked: Checked) -> str:
    errors, warnings = (
        sum(finding.severity == severity for finding in checked.findings)
        for severity in (Severity.ERROR, Severity.WARNING)
    )
    if not errors and not warnings:
        return "nothing found that would make training fail or disappoint"
    counted = [_counted(errors, "error"), _counted(warnings, "warning")]
    ending = f"; training, or `nmt eval` after it, would end with exit code {checked.exit_code}" if errors else ""
    return " and ".join(counted) + ending


def _counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def as_json(checked: Checked) -> str:
    """One object on one line."""
    findings = [finding.to_json() for finding in checked.findings]
    value = {"exit_code": checked.exit_code, "findings": findings, "expected": checked.expected}
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
