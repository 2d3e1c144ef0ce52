"""The settings of an audit, each typed once: for its TOML file, the commands, and their help."""

from functools import partial
from types import MappingProxyType

from iqaudit._audit.spec import AuditSpec
from iqaudit._core.goal import NAMES as GOALS
from iqaudit._core.scale import DECLARED
from iqaudit._core.settings import FLAG, NUMBER, OBJECT, PAIR, TEXT, VICTIM, WHOLE, Setting, table
from iqaudit._runs.suites import NAMES
from iqaudit._search.stop import Stop

PAPERS = ("live", "csiq", "tid2013")
"""The paper's data sets."""

OF_DATA = "data"
"""The paper's protocol with the constants of the data, where they are one of these."""

STRATA = ("type", "score")
"""Distortion types, or tenths of the opinion scores."""

_victim = partial(Setting, heading="Victim", many=True)
_attack = partial(Setting, heading="Attack", many=True)
_budget = partial(Setting, heading="Budget")
_data = partial(Setting, heading="Data")

SETTINGS = MappingProxyType(
    table(
        _victim(
            "victims",
            VICTIM,
            "SPEC",
            "Victim (see iqaudit list): SPEC[,OPTION=VALUE]...",
            hidden=True,
        ),
        _attack(
            "attacks",
            OBJECT,
            "NAME",
            "Attack (see iqaudit list), or python:package.module:Name; ,OPTION=VALUE behind it.",
            AuditSpec.attacks[0],
        ),
        _attack(
            "levels",
            WHOLE,
            "N",
            "L-infinity radius in 8-bit levels (3 = 3/255).",
            AuditSpec.levels[0],
            flag="--levels",
        ),
        _attack(
            "goals",
            OBJECT,
            "GOAL",
            f"Which way, or to where, scores are pushed: {', '.join(GOALS)}.",
            AuditSpec.goals[0].value,
        ),
        _attack("seeds", WHOLE, "N", "Random seed.", AuditSpec.seeds[0]),
        Setting(
            "scale",
            TEXT,
            "",
            "Keep the declared ranges' scales, which ten pictures or more are fitted to.",
            choices=(DECLARED,),
            heading="Victim",
        ),
        Setting(
            "paper",
            TEXT,
            "[DATASET]",
            "The paper's protocol: attack, 10,000 queries; constants of live, csiq, tid2013.",
            choices=(*PAPERS, OF_DATA),
            heading="Attack",
            alone=OF_DATA,
        ),
        Setting(
            "suite",
            TEXT,
            "NAME",
            "A suite to cite: sets all but the victims and the data.",
            choices=NAMES,
            heading="Attack",
        ),
        Setting("light", FLAG, "", "Of the suite, budgets up to 1,000.", heading="Attack"),
        _budget(
            "queries",
            WHOLE,
            "N",
            "Query budget per picture.",
            AuditSpec.queries,
            flag="--queries",
            many=True,
        ),
        _budget("early_stop", NUMBER, "RGO", "End a picture's search at this RGO."),
        _budget("until_plateau", WHOLE, "N", "End it after N queries without a better picture."),
        _budget(
            "fresh",
            WHOLE,
            "K",
            "Last answers to a victim that is random, beside the budget; their mean counts.",
            Stop.fresh,
        ),
    )
)
"""By their keys in TOML; beside them, ``data`` holds those of `DATA`."""

DATA = MappingProxyType(
    table(
        _data("spec", TEXT, "SPEC", "Data set, as `iqaudit datasets` names it.", flag="--data"),
        _data("pictures", OBJECT, "PATH", "Picture file or folder.", flag="--pictures", many=True),
        _data("recursive", FLAG, "", "Search folders in folders, too."),
        _data("opinion_range", PAIR, "WORST BEST", "Ends of a CSV's opinion scores."),
        _data("subset", TEXT, "FILE", "List of the pictures' names, one a line."),
        _data("sample", WHOLE, "N", "Number of pictures drawn at random."),
        _data("stratify", TEXT, "", "Equal shares by distortion type, or score.", None, STRATA),
        _data("or_all", FLAG, "", "All pictures where there are fewer than --sample."),
        _data("seed", WHOLE, "N", "Random seed of --sample.  [default: 0]", flag="--sample-seed"),
    )
)
"""By their keys in TOML's table ``data``."""
