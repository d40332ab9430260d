"""What the tests of all lessons' checks ask of them: right answers pass, stubs and wrong answers get a sentence that helps."""

import re

import pytest

from course_lib.checks import CheckFailed


def passes(check, answer, seed: int, capsys) -> None:
    """The check prints `Correct: …`, writes nothing to stderr and returns nothing."""
    assert check(answer, seed=seed) is None
    captured = capsys.readouterr()
    assert captured.out.startswith("Correct: ") and captured.err == ""


def stub_fails(check, nothing: str = "None") -> None:
    """The words of the stub are passed on; an answer that returns None is told so, in words that match `nothing`."""
    def stub(*arguments, **named):
        raise NotImplementedError("say what is missing")

    with pytest.raises(CheckFailed, match="not written yet: say what is missing"):
        check(stub)
    with pytest.raises(CheckFailed, match=nothing):
        check(lambda *arguments, **named: None)


def fails(check, answer, words: str, seed: int, most: int = 450) -> None:
    """The sentence has at most so many characters, and at seed 0, the visible test's, it matches `words`."""
    with pytest.raises(CheckFailed) as failure:
        check(answer, seed=seed)
    sentence = str(failure.value)
    assert seed or re.search(words, sentence), sentence
    assert len(sentence) < most
