"""The run directory: where training would be refused, go on, or do nothing; and that nothing is written there."""

import pytest

from nmt.io.locks import RunLock
from nmt.preflight.findings import Findings, exit_code
from nmt.preflight.run_directory import check_run_directory


def check_data(config, run, restart=False):
    findings = Findings()
    resumable = check_run_directory(config, run, restart, findings)
    return resumable, findings.sorted()


def test_a_new_directory_is_not_made(corpus, tmp_path):
    run = tmp_path / "runs" / "new"
    assert check_data(corpus.config(), run) == (None, [])
    assert not run.parent.exists()


def test_a_directory_in_use_is_told_with_who_uses_it(corpus, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    with RunLock(run):
        for _ in range(2):
            _, [finding] = check_data(corpus.config(), run)
            assert (finding.kind, finding.exit_code) == ("run_in_use", 75) and "process" in finding.what
    assert check_data(corpus.config(), run) == (None, [])


def test_what_others_wrote_and_files_in_the_way_are_told_at_once(corpus, tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "best").write_text("not ours")
    _, findings = check_data(corpus.config(), run)
    assert {finding.kind for finding in findings} == {"run_conflict"} and len(findings) == 2
    assert exit_code(findings) == 2


@pytest.mark.parametrize("name", ["file", "file/below/it"])
def test_a_place_that_is_no_directory_is_told(name, corpus, tmp_path):
    (tmp_path / "file").write_text("")
    _, findings = check_data(corpus.config(), tmp_path / name)
    assert [(finding.kind, finding.exit_code) for finding in findings] == [("run_not_writable", 5)]
