"""Records as chat turns. The only place that knows prompt wording.

A multiple-choice record in the default style::

    user       <video> which object was thrown by the person?
               A. the clothes
               B. the bag
               Answer with the option's letter from the given choices directly.
    assistant  B
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from video_sft._near_names import check_one_of
from video_sft._rows.prompt_styles import PROMPT_STYLES, choice_form, question_form
from video_sft._sources.record import Caption, Conversation, MultipleChoice, OpenQuestion, Record
from video_sft.errors import ConfigError, VideoSftError

__all__ = ["Message", "MessageError", "MessageStyle", "Rendered", "render", "validate_messages"]

#: What is asked where a text stands without a question and upstream has no wording of its own, by task.
CAPTION_PROMPTS = {
    "detailed_caption": "Describe the {media} in detail.",
    "simple_caption": "Describe the {media} briefly.",
    "classification": "Name what the {media} shows.",
}
INSTRUCTION_PLACES = ("system", "prepend", "drop")

Message = tuple[str, Sequence[tuple[str, str | None]]]


class MessageError(VideoSftError, ValueError):
    """A list of messages is not one a chat template takes."""


@dataclass(frozen=True, kw_only=True)
class MessageStyle:
    """The wording a user chooses; every row of a load has the same.

    Attributes:
        prompt_style: whose wording, capitals, marks and answer form: a name in `video_sft._rows.prompt_styles`.
        choice_style: how multiple choice is answered: `letter` (the default style's own): options listed, the letter is
            the answer; `letter_text`: the answer is `B. the bag`; `text`: the answer is the option's text. None is what
            the prompt style has; another is taken where the style has a published form of it.
        question_style: `plain` (the default style's own): an open question as upstream has it; `short`: followed by the
            usual request for a single word or phrase. None and others as for `choice_style`.
        choices_seed: shuffle the options of each row, by this number and the row's id; None keeps upstream's order.
        instruction: where an upstream task instruction goes, or the system text a prompt style has in its place: a
            `system` turn (default), `prepend` to the first question, or `drop`.
    """

    prompt_style: str = "default"
    choice_style: Literal["letter", "letter_text", "text"] | None = None
    question_style: Literal["plain", "short"] | None = None
    choices_seed: int | None = None
    instruction: Literal["system", "prepend", "drop"] = "system"

    def __post_init__(self) -> None:
        check_one_of("prompt_style", self.prompt_style, PROMPT_STYLES)
        check_one_of("instruction", self.instruction, INSTRUCTION_PLACES)
        default, style = PROMPT_STYLES["default"], PROMPT_STYLES[self.prompt_style]
        self._check_form("choice_style", default.choice, style.choice)
        self._check_form("question_style", default.question, style.question)
        seed = self.choices_seed
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise ConfigError(f"choices_seed is {seed!r}; it is a whole number or None")
        if seed is not None and style.written:
            self._refuse("choices_seed", "keeps options where upstream's text has them")

    def _check_form(self, name: str, known: Collection[str], published: Collection[str]) -> None:
        value = getattr(self, name)
        if value is None:
            return
        check_one_of(name, value, known)
        if self.written:
            self._refuse(name, "leaves upstream's text as it is")
        if value not in published:
            self._refuse(name, f"is published with {name} {' or '.join(map(repr, published))} alone")

    def _refuse(self, name: str, why: str) -> None:
        raise ConfigError(
            f"{name}={getattr(self, name)!r} does not go with prompt_style={self.prompt_style!r}, which {why}; "
            f"leave {name} out, or take prompt_style='default'"
        )

    @classmethod
    def keywords(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of some options that are about wording and are not None."""
        return {item.name: options[item.name] for item in fields(cls) if options.get(item.name) is not None}

    @property
    def written(self) -> bool:
        """Whether texts that upstream wrote out itself are left as they are."""
        return PROMPT_STYLES[self.prompt_style].written


@dataclass(slots=True)
class Rendered:
    """A record as the answer columns and chat turns of its row.

    Attributes:
        messages: (role, [(part type, text or None), ...]) in order.
        answer_format: `open_ended` or `multiple_choice`.
        choices: the options in the order shown; empty for other records.
        answer: the right option's text, the free answer, or the last turn's answer; None where withheld.
        answer_index: into `choices`.
    """

    messages: list[Message]
    answer_format: str
    choices: Sequence[str]
    answer: str | None
    answer_index: int | None


def render(record: Record, row_id: str, style: MessageStyle) -> Rendered:
    """Turn a record into chat turns and answer columns, in the style asked for.

    A row whose answer upstream withholds has a user turn only. The media part comes first in the first user turn.
    """
    body = record.body
    media = () if record.media is None else ((record.media.modality, None),)
    if isinstance(body, MultipleChoice):
        rendered = _multiple_choice(media, body, row_id, style)
    elif isinstance(body, OpenQuestion):
        asked = question_form(style.prompt_style, _source(row_id), style.question_style).asked(body.question)
        rendered = Rendered(_exchange(media, asked, body.answer), "open_ended", (), body.answer, None)
    elif isinstance(body, Caption):
        ask = body.question
        if not ask and (not body.instruction or style.instruction == "drop"):
            modality = record.media.modality if record.media else "video"
            ask = CAPTION_PROMPTS[record.task].format(media=modality)
        messages = _instructed(media, body.instruction, ask, body.text, style)
        rendered = Rendered(messages, "open_ended", (), body.text, None)
    else:
        rendered = _conversation(media, body, style)
    if record.written is not None and style.written:
        rendered.messages = _conversation(media, record.written, style).messages
    return rendered


def _multiple_choice(
    media: Sequence[tuple[str, None]], body: MultipleChoice, row_id: str, style: MessageStyle
) -> Rendered:
    choices, answer_index = body.choices, body.answer_index
    if style.choices_seed is not None:
        order = _order(len(choices), f"{style.choices_seed}/{row_id}")
        choices = [choices[position] for position in order]
        answer_index = None if answer_index is None else order.index(answer_index)
    if len(choices) > len(string.ascii_uppercase):
        raise MessageError(f"{row_id}: {len(choices)} options, more than there are letters")
    form = choice_form(style.prompt_style, _source(row_id), style.choice_style)
    answer = said = None
    if answer_index is not None:
        answer = choices[answer_index]
        said = form.answered(answer_index, answer)
    question = form.asked(body.question, choices)
    messages = _instructed(media, form.system or body.instruction, question, said, style)
    return Rendered(messages, "multiple_choice", choices, answer, answer_index)


def _conversation(media: Sequence[tuple[str, None]], body: Conversation, style: MessageStyle) -> Rendered:
    messages: list[Message] = []
    for turn in body.turns:
        if messages:
            messages += _exchange((), turn.question, turn.answer)
        else:
            messages = _instructed(media, body.instruction, turn.question, turn.answer, style)
    return Rendered(messages, "open_ended", (), body.turns[-1].answer, None)


def _instructed(
    media: Sequence[tuple[str, None]], instruction: str, question: str, answer: str | None, style: MessageStyle
) -> list[Message]:
    if instruction and style.instruction == "system":
        return [("system", [("text", instruction)]), *_exchange(media, question, answer)]
    if instruction and style.instruction == "prepend":
        question = f"{instruction}\n{question}" if question else instruction
    return _exchange(media, question, answer)


def _exchange(media: Sequence[tuple[str, None]], question: str, answer: str | None) -> list[Message]:
    asked: Message = ("user", [*media, ("text", question)] if question else media)
    return [asked] if answer is None else [asked, ("assistant", [("text", answer)])]


def _source(row_id: str) -> str:
    return row_id.partition("/")[0]


def _order(size: int, key: str) -> list[int]:
    """Return a permutation that depends on the key alone: the same on every machine and in every version."""
    weights = [hashlib.blake2b(f"{key}/{position}".encode(), digest_size=8).digest() for position in range(size)]
    return sorted(range(size), key=weights.__getitem__)


def validate_messages(messages: Sequence[Mapping[str, Any]], *, video: bool, image: bool) -> None:
    """Check the messages of one row against what chat templates take.

    Args:
        messages: `[{"role": ..., "content": [{"type": ..., "text": ...}]}]`, as in a row.
        video: whether the row is about a video.
        image: whether it is about an image.

    Raises:
        MessageError: roles do not alternate, a part has other keys, a text is blank, or the media parts are not
            exactly one for the row's media, first in the first user turn.
    """
    roles = [message["role"] for message in messages]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    expected = ["user", "assistant"] * (len(turns) // 2 + 1)
    if not turns or turns != expected[: len(turns)]:
        raise MessageError(f"roles should alternate between user and assistant, found {', '.join(roles) or 'none'}")
    kinds = []
    for number, message in enumerate(messages):
        if set(message) != {"role", "content"}:
            raise MessageError(f"message {number} has the keys {sorted(message)}; role and content are expected")
        if not message["content"]:
            raise MessageError(f"message {number} ({message['role']}) has no content")
        for place, part in enumerate(message["content"]):
            if set(part) != {"type", "text"}:
                raise MessageError(f"message {number} has a part with the keys {sorted(part)}; type and text only")
            if part["type"] == "text":
                if not isinstance(part["text"], str) or not part["text"].strip():
                    raise MessageError(f"message {number} ({message['role']}) has an empty text")
                continue
            if part["text"] is not None:
                raise MessageError(f"message {number} has a {part['type']} part with text in it")
            kinds.append(part["type"])
            if number != roles.index("user") or place != 0:
                raise MessageError(f"the {part['type']} part should come first in the first user turn")
    wanted = ["video"] * video + ["image"] * image
    if kinds != wanted:
        raise MessageError(f"the media parts are {kinds}, the row's media are {wanted}")
