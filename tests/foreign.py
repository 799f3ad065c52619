"""Small files in foreign forms, made from the column names that their publishers give."""

import json
from typing import Any

from dissection.properties import paper_properties

Row = dict[str, Any]


def json_lines(rows: list[Row]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def talk(*texts: str) -> list[Row]:
    """A dialogue in which user and assistant take turns."""
    return [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]


# The names that the project itself gives the 20 basic ratings, in the order of the published weights.
BASIC_FIELDS = (
    "harmlessness",
    "grammar, spelling, punctuation, and code-switching",
    "friendly",
    "polite",
    "interactive",
    "authoritative tone",
    "funny and humorous",
    "metaphors, personification, similes, hyperboles, irony, parallelism",
    "complex word usage and sentence structure",
    "use of direct and explicit supporting materials",
    "well formatted",
    "admit limitations or mistakes",
    "persuade user",
    "step by step solution",
    "use of informal expressions",
    "repetitive",
    "clear and understandable",
    "relevance without considering inaccuracy",
    "innovative and novel",
    "information richness without considering inaccuracy",
)
PAPER = tuple(property_.name for property_ in paper_properties())


def specific(**values: Any) -> Row:
    """The query-specific annotations of one answer, all empty but those given."""
    names = {
        "intent": "clarify user intent",
        "empathy": "showing empathetic",
        "constraints": "satisfying explicit constraints",
        "stances": "supporting explicit subjective stances",
        "mistakes": "correcting explicit mistakes or biases",
    }
    return {field: values.get(name) for name, field in names.items()}


def errors(*severities: str, flag: str = "applicable") -> Row:
    """The errors of one answer."""
    return {
        "applicable to detect errors": flag,
        "errors": [{"brief description": "…", "severity": severity, "type": "Factual error"} for severity in severities],
    }


def gair_row(**parts: Any) -> Row:
    """A row of GAIR/preference-dissection whose two answers are alike, but for `parts`."""
    answer = {"content": "An answer of some words.", "model": "vicuna-13b", "num_words": 5}
    return {
        "query": "Why?",
        "scenario_auto-j": "open_question",
        "scenario_group": "Knowledge-aware",
        "response_1": answer,
        "response_2": answer | {"model": "koala-13b"},
        "gpt-4-turbo_reference": "Because.",
        "clear intent": "Yes",
        "explicitly express feelings": "No",
        "explicit constraints": [],
        "explicit subjective stances": [],
        "explicit mistakes or biases": [],
        "preference_labels": {"human": "response_1", "gpt-4-1106-preview": "response_2"},
        "basic_response_1": dict.fromkeys(BASIC_FIELDS, 1),
        "basic_response_2": dict.fromkeys(BASIC_FIELDS, 1),
        "errors_response_1": errors(),
        "errors_response_2": errors(),
        "query-specific_response_1": specific(),
        "query-specific_response_2": specific(),
    } | parts


def arena_row(winner: str | None, number: int = 1, **parts: Any) -> Row:
    """A row of lmsys/chatbot_arena_conversations."""
    return {
        "question_id": f"q{number}",
        "model_a": "koala-13b",
        "model_b": "alpaca-13b",
        "winner": winner,
        "judge": f"arena_user_{number}",
        "conversation_a": talk("Hello?", "Hi from A."),
        "conversation_b": talk("Hello?", "Hi from B, and good day."),
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1682351591.1,
        "openai_moderation": {"flagged": False},
        "toxic_chat_tag": {"flagged": False},
    } | parts


def mt_row(judge: str, winner: str, models: str = "gpt-4 llama-13b", turn: int = 1, **parts: Any) -> Row:
    """A row of lmsys/mt_bench_human_judgments; a model says the same whichever side it is on."""
    a, b = models.split()
    dialogues = [talk("First?", f"{model} one", "Second?", f"{model} two") for model in (a, b)]
    return {
        "question_id": 81,
        "model_a": a,
        "model_b": b,
        "winner": winner,
        "judge": judge,
        "conversation_a": dialogues[0],
        "conversation_b": dialogues[1],
        "turn": turn,
    } | parts


def alpaca_row(preference: object, annotator: object = "gpt4", **parts: Any) -> Row:
    """A row of an annotations.json of AlpacaEval."""
    return {
        "instruction": "Name a colour.",
        "output_1": "Red.",
        "generator_1": "gpt4_1106_preview",
        "dataset": "helpful_base",
        "output_2": "Blue, like the sea.",
        "generator_2": "my-model",
        "annotator": annotator,
        "preference": preference,
    } | parts


def completion(model: str, score: float | None, **ratings: object) -> Row:
    """One completion of UltraFeedback."""
    return {
        "model": model,
        "principle": "helpfulness",
        "response": f"An answer by {model}.",
        "annotations": {aspect: {"Rating": rating, "Rationale": "…"} for aspect, rating in ratings.items()},
        "overall_score": score,
        "fine-grained_score": score,
    }


def steer_row(prompt: str, response: str, *ratings: object) -> Row:
    """A row of HelpSteer2."""
    names = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
    return {"prompt": prompt, "response": response} | dict(zip(names, ratings, strict=True))


ANNOTATED: Row = {
    "metadata": {"version": "2.0", "dataset_name": "…", "default_annotator": "ba75"},
    "annotators": {
        "ba75": {"name": "preferred_text", "description": "Default annotator", "type": "unknown"},
        "bf73": {"description": "Select the response that is more concise", "type": "principle"},
        "2e2d": {"description": "Select the response that has a friendly tone", "type": "principle"},
    },
    "comparisons": [
        {
            "id": "a4e9",
            "prompt": "A story?",
            "response_a": {"text": "Once.", "model": "gpt-4"},
            "response_b": {"text": "Once upon a time."},
            "annotations": {
                "ba75": {"pref": "a"},
                "bf73": {"pref": "a"},
                "2e2d": {"pref": None, "no_pref_reason": "not_applicable"},
            },
            "metadata": {"index": "0"},
        },
        {
            "id": "b7e1",
            "prompt": None,
            "response_a": {"text": "One."},
            "response_b": {"text": "Two."},
            "annotations": {
                "ba75": {"pref": None},
                "bf73": {"pref": None, "no_pref_reason": "invalid"},
                "2e2d": {"pref": "b"},
                "ffff": {"pref": "b"},
            },
            "metadata": {"index": "1"},
        },
    ],
}

EXAMPLES: dict[str, list[list[Row]]] = {
    "gair": [[gair_row(), gair_row(**{"clear intent": "No"}, **{f"query-specific_response_{s}": specific(intent=s) for s in (1, 2)})]],
    "mt-bench": [[mt_row("expert_1", "model_a"), mt_row("author_2", "model_a", "llama-13b gpt-4"), mt_row("expert_1", "tie", turn=2)]],
    "arena": [[arena_row("model_a", 1), arena_row("model_b", 2), arena_row("tie (bothbad)", 3)]],
    "alpaca-eval": [[alpaca_row(1.0), alpaca_row(2.0, "claude"), alpaca_row(1.5, instruction="Another.")]],
    "ratings": [
        [{"source": "sharegpt", "instruction": "Hi", "models": ["x", "y", "z"], "completions": [
            completion("x", 7.5, helpfulness="4", honesty="5"), completion("y", 6, helpfulness="4", honesty="N/A"),
            completion("z", 7.5, helpfulness="2", honesty="3")]}],
        [steer_row("p", "one", 4, 4, 4, 2, 1), steer_row("p", "two", 3, 4, 3, 2, 2), steer_row("q", "three", 1, 1, 1, 1, 1)],
    ],
    "preference-strength": [
        [{"split": "train", "prompt": "p", "response_1": "one", "response_2": "two", "preference_strength": s, "preference_statement": "…"}
         for s in (-3, 1, 0)],
        [{"domain": "code", "language": "python", "context": talk("Hi?"), "response1": "one", "response2": "two", "overall_preference": 2,
          "individual_preference": [{"score": 2, "reasoning": "…", "feedback1": "…", "feedback2": "…"}]}],
    ],
    "chosen-rejected": [
        [{"prompt": "p", "chosen": f"good {i}", "chosen_model": "x", "rejected": f"bad {i}", "rejected_model": "y", "subset": "hard",
          "id": i} for i in range(4)],
        [{"chosen": "\n\nHuman: Hi?\n\nAssistant: Hello.", "rejected": "\n\nHuman: Hi?\n\nAssistant: Go away."}],
        [{"prompt": "Hi?", "prompt_id": "h1", "chosen": talk("Hi?", "Hello."), "rejected": talk("Hi?", "Go."), "messages": talk("Hi?"),
          "score_chosen": 8.0, "score_rejected": 8.0}],
    ],
    "arena-table": [
        [{"prompt": "p", "response_a": "one", "response_b": "two", "winner": "model_b"}],
        [{"id": 30192, "model_a": "x", "model_b": "y", "prompt": '["p", "more?"]', "response_a": '["one", "1"]',
          "response_b": '["two", null]', "winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1}],
    ],
}  # fmt: skip
