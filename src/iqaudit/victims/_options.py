"""The options of victims, each typed once: for Python, a victim's string, TOML and the commands."""

from functools import partial
from types import MappingProxyType
from typing import Any, TypedDict

from iqaudit._core.scale import Scale
from iqaudit._core.settings import FILE, FLAG, NUMBER, OBJECT, PAIR, TEXT, WHOLE, Setting, table
from iqaudit.victims._preprocessing import COLOURS, MOMENTS, SIZE

EXACT = ("incremental", "dense")
"""In a search: only what a query changes is computed again, or whole pictures are."""

LAYOUTS = ("nchw", "nhwc")
"""The orders of an ONNX network's axes: channels second or last."""

HEADER = "NAME=env:VARIABLE or NAME=file:PATH"
RANGE = "two numbers, LOW:HIGH"


class Declared(TypedDict, total=False):
    """The keywords by which a caller declares a victim's scale; see `Scale.declared`."""

    score_range: tuple[float, float] | None
    lower_is_better: bool
    unbounded: bool
    scale: Scale | None


class Preprocessed(TypedDict, total=False):
    """The keywords on what becomes of pictures before a network takes them, and of its answer."""

    normalise: Any
    resize: Any
    crop: Any
    colour: str | None
    input: tuple[float, float] | None
    bins: tuple[float, float] | None


class Own(Declared, Preprocessed, total=False):
    """The keywords of any function or network of a caller's: its scale and its preprocessing."""


_model = partial(Setting, heading="Victim")
_service = partial(Setting, heading="Service", hidden=True)

OPTIONS = MappingProxyType(
    table(
        _model("name", TEXT, "NAME", "Name in results, in place of the victim's own."),
        _model("checkpoint", FILE, "FILE", "Weights of a torch network, its authors' or others."),
        _model("untrained", FLAG, "", "Random weights, for benchmarks only."),
        _model("dataset", TEXT, "NAME", "Training set of the checkpoint: live, csiq or tid2013."),
        _model("score_range", PAIR, "LOW HIGH", "Native score range.", word=RANGE, flag="--range"),
        _model("lower_is_better", FLAG, "", "A lower score means better quality."),
        _model("unbounded", FLAG, "", "Scores may leave the range; else one that does is none."),
        _model(
            "scale",
            FILE,
            "FILE",
            "Score scale of `iqaudit calibrate`; or `declared`, the range's, which is not fitted.",
        ),
        _model(
            "defences",
            OBJECT,
            "DEFENCE",
            "Before the victim, in order (see iqaudit list): jpeg:75, median:3.",
            many=True,
        ),
        _model("repeats", WHOLE, "K", "Answers averaged into a score; each costs a query."),
        _model(
            "exact",
            TEXT,
            "",
            "Score only what a query changes, or whole pictures.",
            EXACT[0],
            EXACT,
        ),
        _model("device", TEXT, "DEVICE", "Device of a network: cpu, cuda, cuda:1."),
        _model("layout", TEXT, "", "Axes of an ONNX network's input.", choices=LAYOUTS),
        _model("normalise", MOMENTS, "MEAN/STD", "Normalisation of the input, or imagenet."),
        _model("resize", SIZE, "PIXELS", "Shorter side that pictures are brought to; or WxH."),
        _model("crop", SIZE, "PIXELS", "Side of the central square that is taken; or WxH."),
        _model("colour", TEXT, "", "Channels of a network's input.", COLOURS[0], COLOURS),
        _model(
            "input",
            PAIR,
            "LOW HIGH",
            "A network's values of black and white.  [default: 0 1]",
            word=RANGE,
        ),
        _model(
            "bins",
            PAIR,
            "LOW HIGH",
            "Scores of the ends of a distribution that a network answers.",
            word=RANGE,
        ),
        _service("model", TEXT, "NAME", "A chat's model."),
        _service("prompt", FILE, "FILE", "A chat's question, in place of ours for 0 to 100."),
        _service(
            "field",
            TEXT,
            "PATH",
            "Place of the score in JSON: a.scores[0], [label=good].p, $; an ONNX output's name.",
        ),
        _service("pattern", TEXT, "REGEX", "Regular expression with one group, the score."),
        _service("form", TEXT, "FORM", "Body of a request: raw, multipart[:NAME]."),
        _service("body", TEXT, "JSON", 'JSON to send in place of a form: {"image": "{base64}"}.'),
        _service("headers", TEXT, "HEADER", HEADER + ".", word=HEADER, many=True),
        _service("authorised", FLAG, "", "The service's owner allows this audit."),
        _service("timeout", NUMBER, "SECONDS", "Time limit of a request."),
        _service("retries", WHOLE, "N", "Repetitions of a failed request."),
        _service("rate", NUMBER, "RATE", "Largest number of requests a second."),
        _service(
            "price",
            NUMBER,
            "MONEY",
            "Money a request, or 1,000 tokens of a chat; `check` takes it for any.",
        ),
        _service(
            "budget_money", NUMBER, "MONEY", "Ceiling in money, of all starts of a run together."
        ),
        _service("concurrency", WHOLE, "N", "Pictures asked about at once.  [default: 1]"),
    )
)
"""By the keyword that `as_victim` knows each under."""

HOW_ASKED = frozenset(
    {
        *("headers", "authorised", "timeout", "retries", "rate", "price", "budget_money"),
        "concurrency",
    }
)
"""Options on the asking, which change no score: an audit goes on with others."""

BESIDE = HOW_ASKED | {"defences", "name", "repeats"}
"""Options in which a defended victim may differ from the same undefended."""

ALIASES = MappingProxyType({"range": "score_range", "header": "headers", "defence": "defences"})
"""The command line's names of some of them."""


def in_strings(key: str) -> str:
    """Return an option's name in a victim's string, by its keyword: ``range`` of a score range."""
    word = next((short for short, name in ALIASES.items() if name == key), key)
    return word.replace("_", "-")
