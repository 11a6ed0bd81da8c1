"""The options of a multiple-choice question: which can be asked, and which of them an answer names by its text."""

from __future__ import annotations

from collections.abc import Sequence

from video_sft._annotations import Problems, SourceRow
from video_sft._text import cleaned

__all__ = ["MOST_CHOICES", "index_of_text", "without_blanks"]

#: As many as there are letters to call them by.
MOST_CHOICES = 26
_AROUND = " \t\r\n.,;:!?\"'"


def index_of_text(row: SourceRow, answer: str, choices: Sequence[str], problems: Problems) -> int:
    """Return the index of the option an answer names by its text: the first one, where options repeat.

    An option that is the answer but for outer blanks is taken; failing that, one that is but for case, blanks and the
    punctuation around it, which is counted, as are right options that come twice.

    Raises:
        RowError: no option has that text.
    """
    for read in (str, cleaned, _plain):
        options = [read(choice) for choice in choices]
        wanted = read(answer)
        if wanted and wanted in options:
            if read is _plain:
                problems.mend("Answers that are an option but for case, blanks or punctuation")
            if options.count(wanted) > 1:
                problems.mend("Rows whose right option comes twice, of which the first is taken")
            return options.index(wanted)
    shown = ", ".join(repr(choice) for choice in choices)
    raise row.error("answer", f"the answer {answer!r} is none of the options {shown}")


def without_blanks(
    row: SourceRow, choices: Sequence[str], answer_index: int | None, problems: Problems
) -> tuple[list[str], int | None]:
    """Return the options that say something, and the index of the right one among them.

    Raises:
        RowError: the right one is blank, or fewer than two or more than 26 are left.
    """
    kept = [number for number, choice in enumerate(choices) if choice]
    if answer_index is not None and answer_index not in kept:
        row.fail("answer", f"the right option, number {answer_index}, is empty")
    if not 2 <= len(kept) <= MOST_CHOICES:
        row.fail("choices", f"{len(kept)} options with text in them; 2 to {MOST_CHOICES} can be asked")
    if len(kept) < len(choices):
        problems.mend("Rows with an empty option, which is left out")
    return [choices[number] for number in kept], None if answer_index is None else kept.index(answer_index)


def _plain(text: str) -> str:
    return " ".join(cleaned(text).casefold().split()).strip(_AROUND)
