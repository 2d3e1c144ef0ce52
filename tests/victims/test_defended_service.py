"""A service behind a defence is sent, and bills, every picture of a question."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.auditing import iqaudit_
from tests.support.serving import Hours, Server, asks, says

import iqaudit
from iqaudit._audit.estimate import estimate
from iqaudit._audit.spec import AuditSpec, Data
from iqaudit._search.stop import Outcome
from iqaudit.testing import synthetic_picture
from iqaudit.victims import as_victim
from iqaudit.victims._defended import Defended, passes
from iqaudit.victims._spec import VictimSpec

PICTURE = synthetic_picture(24, 28)
COPIES, QUERIES, PRICE = 5, 6, 0.25

QUESTIONS = QUERIES + 16 + 8
"""With those that tell the noise, and the fresh ones."""


def behind(server: Server, hours: Hours, defence: str, **options: Any) -> Any:
    return Defended(asks(server, hours, **options), [defence])


def test_a_query_is_billed_by_its_pictures(server: Server, hours: Hours) -> None:
    victim = behind(server, hours, f"smooth:{COPIES}@8", price=PRICE, rate=10)
    assert passes(victim) == COPIES
    [result] = iqaudit.attack([PICTURE], victim, queries=QUERIES)
    assert result.queries == QUERIES
    assert victim.account.billed == COPIES * QUESTIONS == len(server.seen)
    assert victim.account.spent == pytest.approx(PRICE * COPIES * QUESTIONS)
    assert hours.time == pytest.approx((COPIES * QUESTIONS - 1) / 10)  # the rate is of requests


@pytest.mark.parametrize(("defence", "several"), [("smooth:5@8", 5), ("jpeg:75", 1), (None, 1)])
def test_a_plan_has_the_money_for_all_pictures(
    defence: str | None, several: int, server: Server, photos: Path
) -> None:
    options: dict[str, Any] = {"score_range": (0, 20), "price": PRICE}
    if defence is not None:
        options["defences"] = [defence]
    spec = AuditSpec(
        (VictimSpec(server.url, options),), Data(pictures=(str(photos),)), queries=QUERIES
    )
    [share] = estimate(spec).shares
    assert (share.passes, share.queries) == (several, 3 * QUERIES)
    assert share.price == pytest.approx(PRICE * several * (share.queries + share.outside))
    assert not server.seen


def test_an_audit_costs_what_its_plan_says_at_most(
    server: Server, photos: Path, tmp_path: Path
) -> None:
    line = ["--victim", f"{server.url},range=0:20,price=0.25", "--queries", QUERIES]
    plan = iqaudit_("defences", photos, *line, "--defence", "smooth:2@8", "--out", tmp_path / "run")
    assert plan.exit_code == 2
    asked = 3 * QUERIES + 2  # of each, and the defended one's noise and fresh scores
    money = 0.25 * (asked + 2 * (asked + 16 + 3 * 8))
    after = 0.25 * (3 * 2 + 3 * 1000)
    assert f"At most {money:,.2f} in money for the audit, {after:,.2f} after it." in plan.stderr
    assert "say --yes" in plan.stderr
    assert not server.seen
    done = iqaudit_("audit", photos, "--victim", f"{line[1]},defence=smooth:2@8", *line[2:],
                    "--yes", "--out", tmp_path / "run")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert len(server.seen) == 2 * (asked + 16 + 3 * 8)
    assert f"{len(server.seen)} requests billed" in done.stderr


def test_a_ceiling_in_money_ends_within_a_question(server: Server, hours: Hours) -> None:
    """The answers before are kept, and those of the question that went with it are told."""
    victim = behind(server, hours, f"smooth:{COPIES}@8", price=PRICE, budget_money=PRICE * 13)
    with pytest.raises(iqaudit.VictimError, match=r"money .* is spent") as told:
        iqaudit.attack([PICTURE], victim, queries=QUERIES)
    assert "The answers to 3 of 5 pictures that were asked about together" in str(told.value)
    assert victim.account.billed == 13


def test_a_question_that_failed_is_asked_again_where_it_was_left(
    server: Server, hours: Hours
) -> None:
    """In the process that asked: its answers to the other pictures are paid for once."""
    victim = behind(server, hours, f"smooth:{COPIES}@8", price=PRICE, retries=0)
    [whole] = iqaudit.attack([PICTURE], victim, queries=QUERIES)
    again = behind(server, hours, f"smooth:{COPIES}@8", price=PRICE, retries=1)
    server.plan = [server.usual] * 7 + [says("busy", 503)]
    [result] = iqaudit.attack([PICTURE], again, queries=QUERIES)
    assert result.outcome is Outcome.BUDGET_SPENT
    assert result.scores.tolist() == whole.scores.tolist()
    assert again.account.billed == COPIES * QUESTIONS + 1


def test_the_cost_and_the_shares_say_how_many_pictures(server: Server) -> None:
    victim = as_victim(server.url, score_range=(0, 20), defences=["smooth:5@8"])
    findings = iqaudit.check(victim, [PICTURE], price=PRICE)
    [cost] = [each for each in findings if each.check == "cost"]
    assert "500 queries" in cost.sentence
    assert f"{500 * 5 * PRICE:,.2f} in money" in cost.sentence
