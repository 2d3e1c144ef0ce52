"""The settings of an audit, each typed once: for its TOML file, the commands, and their help."""

from functools import partial
from types import MappingProxyType

from iqaudit._audit.spec import AuditSpec
from iqaudit._core.goal import Goal
from iqaudit._core.settings import NUMBER, OBJECT, PAIR, TEXT, VICTIM, WHOLE, Setting, table

PAPERS = ("live", "csiq", "tid2013")
"""The paper's data sets."""

_attack = partial(Setting, heading="Attack")
_budget = partial(Setting, heading="Budget")
_data = partial(Setting, heading="Data")

SETTINGS = MappingProxyType(
    table(
        Setting(
            "victims",
            VICTIM,
            "SPEC",
            "Victim and its options, SPEC[,OPTION=VALUE]...; `iqaudit list` shows the forms.",
            heading="Victim",
            flag="--victim",
            many=True,
        ),
        _attack(
            "attacks",
            OBJECT,
            "NAME",
            "Attack that `iqaudit list` names, or python:package.module:Name.",
            flag="--attack",
            many=True,
            default=AuditSpec.attacks[0],
        ),
        _attack(
            "levels",
            WHOLE,
            "N",
            "L-infinity radius in 8-bit levels (3 = 3/255).",
            many=True,
            default=AuditSpec.levels[0],
        ),
        _attack(
            "goals",
            TEXT,
            "",
            "Push good pictures down and bad ones up, or all pictures one way.",
            flag="--goal",
            choices=tuple(goal.value for goal in Goal),
            many=True,
            default=AuditSpec.goals[0].value,
        ),
        _attack(
            "seeds",
            WHOLE,
            "N",
            "Random seed.",
            flag="--seed",
            many=True,
            default=AuditSpec.seeds[0],
        ),
        _attack("paper", TEXT, "", "Protocol of the paper on a data set.", choices=PAPERS),
        _budget("queries", WHOLE, "N", "Query budget per picture.", default=AuditSpec.queries),
        _budget("early_stop", NUMBER, "RGO", "End a picture's search at this RGO."),
        _budget(
            "until_plateau",
            WHOLE,
            "QUERIES",
            "End a picture's search after so many queries without a better picture.",
        ),
    )
)
"""By their keys in TOML; beside them, ``data`` holds those of `DATA`."""

DATA = MappingProxyType(
    table(
        _data("spec", TEXT, "SPEC", "Data set, as `iqaudit datasets` names it.", flag="--data"),
        _data("pictures", OBJECT, "PICTURE", "Picture files, or folders of them.", many=True),
        _data(
            "opinion_range",
            PAIR,
            "WORST BEST",
            "Ends of a CSV's opinion scores.",
            word="two numbers, the worst and the best",
        ),
        _data("subset", TEXT, "FILE", "List of the pictures' names, one a line."),
        _data("sample", WHOLE, "N", "Number of pictures drawn at random."),
        _data(
            "stratify",
            TEXT,
            "",
            "Equal shares of the distortion types, or of the tenths of the scores.",
            choices=("type", "score"),
        ),
        _data("seed", WHOLE, "N", "Random seed of --sample; 0 unless set.", flag="--sample-seed"),
    )
)
"""By their keys in TOML's table ``data``."""
