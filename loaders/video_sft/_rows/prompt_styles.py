"""Prompt styles: how published evaluations and training sets put their questions and answers. One entry each.

An entry states wording: capital letters, question marks, separators, option marks, requests and the form of the answer.
Captions and conversations are asked as upstream asks them in every style, since none has a form of its own for them.
"""

from __future__ import annotations

import functools
import operator
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["PROMPT_STYLES", "ChoiceForm", "PromptStyle", "QuestionForm", "choice_form", "question_form"]

_LETTERS = string.ascii_uppercase
_BY_LETTER = "Answer with the option's letter from the given choices directly."
_SHORT = "Answer the question using a single word or phrase."


@dataclass(frozen=True, kw_only=True)
class ChoiceForm:
    """How a multiple-choice question is put and answered.

    Attributes:
        text: what the user says: a format string of `question` and `options`.
        mark: what stands before each option, of `letter`.
        between: what stands between two options.
        answer: what the assistant says, of `letter` and `choice`.
        system: a system text of the style's own, in the place of upstream's task instruction.
        question_end: what a question gets that does not end in it.
        choice_end: what an option gets that does not end in it.
        answer_end: what the answer gets that does not end in it.
    """

    text: str
    mark: str = "{letter}. "
    between: str = "\n"
    answer: str = "{letter}"
    system: str = ""
    question_end: str = ""
    choice_end: str = ""
    answer_end: str = ""

    def asked(self, question: str, choices: Sequence[str]) -> str:
        """Return the user's text; of more options than there are letters, the first."""
        if self.choice_end:
            choices = [_ended(choice, self.choice_end) for choice in choices]
        options = self.between.join(map(operator.add, self._marks, choices))
        return self.text.format(question=_ended(question, self.question_end), options=options)

    def answered(self, position: int, choice: str) -> str:
        """Return the assistant's text for the option in a position, from 0."""
        return _ended(self.answer.format(letter=_LETTERS[position], choice=choice), self.answer_end)

    @functools.cached_property
    def _marks(self) -> Sequence[str]:
        return [self.mark.format(letter=letter) for letter in _LETTERS]


@dataclass(frozen=True, kw_only=True)
class QuestionForm:
    """How an open question is put; its answer is the source's in every style.

    Attributes:
        text: what the user says: a format string of `question`.
        capitalised: whether the first letter is a capital and all others are small.
        question_end: what a question gets that does not end in it.
    """

    text: str = "{question}"
    capitalised: bool = False
    question_end: str = ""

    def asked(self, question: str) -> str:
        """Return the user's text."""
        question = question.capitalize() if self.capitalised else question
        return self.text.format(question=_ended(question, self.question_end))


@dataclass(frozen=True, kw_only=True)
class PromptStyle:
    """One style. The first form of each kind holds unless `choice_style` or `question_style` names another.

    Attributes:
        used: where the style is from.
        choice: forms of multiple-choice questions, by `choice_style`.
        question: forms of open questions, by `question_style`.
        choice_of: forms for single sources, where the first one is not theirs.
        question_of: the same for open questions.
        written: whether a text that upstream wrote out itself, options included, is left as it is.
    """

    used: str
    choice: Mapping[str, ChoiceForm]
    question: Mapping[str, QuestionForm] = field(default_factory=lambda: {"plain": QuestionForm()})
    choice_of: Mapping[str, ChoiceForm] = field(default_factory=dict)
    question_of: Mapping[str, QuestionForm] = field(default_factory=dict)
    written: bool = False


@functools.cache
def choice_form(style: str, source: str, name: str | None) -> ChoiceForm:
    """Return how a style puts a source's multiple-choice questions; `name` is a `choice_style` or None."""
    forms = PROMPT_STYLES[style]
    return forms.choice[name] if name else forms.choice_of.get(source) or next(iter(forms.choice.values()))


@functools.cache
def question_form(style: str, source: str, name: str | None) -> QuestionForm:
    """Return how a style puts a source's open questions; `name` is a `question_style` or None."""
    forms = PROMPT_STYLES[style]
    return forms.question[name] if name else forms.question_of.get(source) or next(iter(forms.question.values()))


def _ended(text: str, end: str) -> str:
    return text if text.endswith(end) else text + end


_LETTER = ChoiceForm(text=f"{{question}}\n{{options}}\n{_BY_LETTER}")
_OPTIONS_ALONE = ChoiceForm(text="{question}\n{options}")
_DEFAULT_CHOICE = {
    "letter": _LETTER,
    "letter_text": ChoiceForm(
        text="{question}\n{options}\nAnswer with the option's letter and text from the given choices.",
        answer="{letter}. {choice}",
    ),
    "text": ChoiceForm(text="{question}\n{options}\nAnswer with the text of the correct option.", answer="{choice}"),
}
_DEFAULT_QUESTION = {"plain": QuestionForm(), "short": QuestionForm(text=f"{{question}}\n{_SHORT}")}

#: Every value of `prompt_style`. The files each is from are named at its entry.
PROMPT_STYLES: Mapping[str, PromptStyle] = {
    "default": PromptStyle(used="this package", choice=_DEFAULT_CHOICE, question=_DEFAULT_QUESTION),
    # https://github.com/EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks: activitynetqa/{_default_template_yaml,utils.py};
    # nextqa/{nextqa_mc_test.yaml,nextqa_oe_test.yaml,utils.py}, where multiple choice has no request;
    # egoschema/utils.py and perceptiontest/val/utils.py stand for the sources it has no multiple-choice task for.
    "lmms_eval": PromptStyle(
        used="lmms-eval: activitynetqa, nextqa_mc_test, nextqa_oe_val and nextqa_oe_test; LLaVA-Video's numbers",
        choice={"letter": _LETTER},
        choice_of={"next_qa": _OPTIONS_ALONE, "next_gqa": _OPTIONS_ALONE},
        question={"short": QuestionForm(text=f"{{question}} {_SHORT}", capitalised=True, question_end="?")},
        question_of={"next_qa": QuestionForm(text="{question}\nAnswer a question using a short phrase or sentence.")},
    ),
    # https://github.com/OpenGVLab/Ask-Anything, video_chat2/mvbench.ipynb, which has the system text before the
    # question too; https://github.com/magic-research/PLLaVA, tasks/eval/{eval_utils.py,mvbench/pllava_eval_mvbench.py}.
    # Both begin the assistant's turn for the model, with `Best option:(`.
    "mvbench": PromptStyle(
        used="MVBench as VideoChat2 and PLLaVA ask it",
        choice={
            "letter_text": ChoiceForm(
                text="Question: {question}\nOptions:\n{options}\nOnly give the best option.",
                mark="({letter}) ",
                answer="Best option:({letter}) {choice}",
                system=(
                    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and "
                    "movement of objects, and the action and pose of persons. Based on your observations, select the "
                    "best option that accurately addresses the question."
                ),
            )
        },
    ),
    # https://github.com/DAMO-NLP-SG/VideoLLaMA3, evaluation/benchmarks/{nextqa,mvbench,activitynet_qa}.py;
    # https://github.com/DAMO-NLP-SG/VideoLLaMA2, videollama2/eval: inference_video_mcqa_mvbench.py is the same,
    # inference_video_oqa_activitynet.py asks the plain question.
    "videollama": PromptStyle(
        used="VideoLLaMA2 and VideoLLaMA3",
        choice={
            "letter": ChoiceForm(
                text=f"Question: {{question}}\nOptions:\n{{options}}\n{_BY_LETTER[:-1]} and only give the best option.",
                mark="({letter}) ",
            )
        },
        question={
            "short": QuestionForm(
                text="Question: {question}\nPlease watch the video and answer the question clearly and concisely.\n"
            ),
            "plain": QuestionForm(),
        },
    ),
    # https://github.com/Yui010206/SeViLA, lavis/datasets/datasets/mc_video_vqa_datasets.py; the marks that NExT-QA's
    # questions and options lack are added in `sevila_data/Data Preprocess.ipynb`.
    "sevila": PromptStyle(
        used="SeViLA and models that follow it, on NExT-QA, STAR and others",
        choice={
            "letter": ChoiceForm(
                text=(
                    "Question: {question} {options} Considering the information presented in the frame, select the "
                    "correct answer from the options."
                ),
                mark="Option {letter}: ",
                between=" ",
                answer="Option {letter}",
                question_end="?",
                choice_end=".",
            )
        },
    ),
    # Rows of https://huggingface.co/datasets/lmms-lab/LLaVA-Video-178K, whose multiple choice ends in one of two
    # requests; https://github.com/LLaVA-VL/LLaVA-NeXT, llava/eval/model_activitynet_qa.py asks the plain question,
    # issue 3 has the request for NExT-QA.
    "llava_next": PromptStyle(
        used="LLaVA-Video-178K's multiple choice; LLaVA-NeXT-Video's own open-ended evaluations",
        choice={
            "letter": ChoiceForm(
                text="{question}\n{options}\nPlease respond with only the letter of the correct answer.",
                answer="{letter}.",
            ),
            "letter_text": ChoiceForm(
                text=(
                    "{question}\n{options}\n"
                    "Please provide your answer by stating the letter followed by the full option."
                ),
                answer="{letter}. {choice}",
                answer_end=".",
            ),
        },
        question=_DEFAULT_QUESTION,
        question_of={"next_qa": QuestionForm(text="{question}\nAnswer the question using several words or phrase.")},
    ),
    # https://github.com/OpenGVLab/Ask-Anything, video_chat2/dataset/it_dataset.py: the first instruction as system
    # text, then question and answer as the file has them.
    "upstream": PromptStyle(
        used="VideoChat2-IT's own text; other sources as `default`", choice={"letter": _LETTER}, written=True
    ),
}
