"""What the figures mean, in sentences: the same ones in the report and in the model card."""

from __future__ import annotations

from typing import Final

import msgspec

from model.measuring.assessment import Assessment
from model.recipes import Recipe
from model.report.figures import count, interval, money, number, percent, span
from model.report.reading import (
    fraud_rate,
    judged_window,
    method_name,
    model_name,
    policy_name,
    resampling_words,
    shipped,
    training_window,
)

INTENDED_USE: Final = (
    "Scoring single card transactions, of the kind and source that it learnt from, as they happen.",
    "Raising alerts that people or a bank's own rules act on, such as a call to the holder or a further check.",
    "Ordering transactions for review: a calibrated probability can be weighed against an amount.",
)

OUT_OF_SCOPE: Final = (
    "Transactions of other portfolios, countries or currencies than the data's, until it was judged on them.",
    "Refusing or closing an account by itself: a score is a reason to look, not a proof.",
    "Judging people: credit, insurance, employment, or a profile of anybody.",
    "Inputs that are computed otherwise than in the training data, even if their names are the same.",
)

# Findings that change how far the figures can be trusted; the others are for the data section alone.
_GRAVE: Final = frozenset({"leak", "constant", "all_missing", "near_unique", "few_frauds", "drift"})


def verdict(assessment: Assessment) -> tuple[str, ...]:
    """What the model is, how well it ranks, and what its threshold means: a sentence each."""
    return tuple(one for one in (_what_it_is(assessment), _how_well(assessment), _what_it_means(assessment)) if one)


def warnings(assessment: Assessment) -> tuple[str, ...]:
    """What to know before any figure is believed."""
    decision = shipped(assessment)
    policy = policy_name(decision.policy, currency=assessment.currency) if decision is not None else ""
    unreached = (
        (f"No threshold keeps what the shipped policy asks for ({policy}); it is the nearest.",)
        if decision is not None and not decision.reached
        else ()
    )
    grave = tuple(one.text for one in assessment.data.findings if one.kind in _GRAVE)
    return (*unreached, *map(sentence, (*grave, *assessment.notes)))


def findings(assessment: Assessment) -> tuple[str, ...]:
    """What the data made worth telling, all of it."""
    return tuple(sentence(one.text) for one in assessment.data.findings)


def calibrated(assessment: Assessment) -> str:
    """By which method, by how many rows, and why."""
    report = assessment.calibration
    return (
        f"The method is {method_name(report.method)}, fitted to {count(report.rows)} rows with {count(report.frauds)} "
        f"frauds that the model had not seen. {sentence(report.why)}"
    )


def sentence(text: str) -> str:
    """What may have been written as part of a line, as one of its own."""
    whole = text[:1].upper() + text[1:]
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."


def known_fraud(assessment: Assessment) -> str:
    """What was done about accounts that were known to be compromised."""
    removed = sum(one.known_compromised for one in assessment.windows)
    if assessment.known_fraud == "remove":
        return (
            "Transactions of accounts with a fraud that was known by then are not judged, as a bank would have blocked "
            f"those accounts already: {count(removed)} rows were removed."
        )
    return (
        "Transactions of accounts with a fraud that was known by then are judged as well. Further frauds of the same "
        "account are easier to find, so the figures flatter where a bank blocks such accounts."
    )


def sampling(assessment: Assessment) -> str | None:
    """How a part of the file stands for the whole of it; None where all of it was read."""
    sampled = assessment.data.sampling
    if sampled is None:
        return None
    return (
        f"Of the file's {count(sampled.rows_in_file)} rows every fraud was kept, and of the legitimate ones "
        f"{percent(sampled.legitimate_kept)} at random; each of these counts as {number(1 / sampled.legitimate_kept)}. "
        "Counts and measures are estimates for the whole file."
    )


def made(assessment: Assessment) -> tuple[tuple[str, str], ...]:
    """How the model was made: what a second training needs to know."""
    return (
        ("Model", assessment.recipe.label),
        ("Hyper-parameters", _hyper_parameters(assessment.recipe)),
        ("Threshold in service", number(assessment.threshold)),
        ("Profile of the data", assessment.profile),
        ("Resampling", f"asked for {assessment.resampling}; used {resampling_words(assessment.recipe.resampling)}"),
        ("Known compromised accounts", known_fraud(assessment)),
        ("Delay of the labels", _delay(assessment.delay_days)),
        ("Calibration", f"{method_name(assessment.calibration.method)}; {assessment.calibration.why}"),
        ("Fitted again", _refit(refitted=assessment.refitted)),
        ("Seed of every random choice", str(assessment.seed)),
        ("Fingerprint of the data (SHA-256)", assessment.data.fingerprint),
    )


def limits(assessment: Assessment) -> tuple[str, ...]:
    """What the figures do not say."""
    window = judged_window(assessment)
    frauds = f"{count(window.frauds)} frauds" if window else "the frauds"
    few = (
        f"The test window has {frauds}. The intervals show how much chance is in a figure; they do not show what a "
        "different month would bring."
    )
    changing = (
        "Fraud changes, and so do customers. The figures hold for the test window's time; watch the share of alerts "
        "that prove right, and train again when it falls."
    )
    labels = "A fraud that nobody reported counts as legitimate here. The true recall is lower by what was never found."
    simulated = "Figures from simulated transactions show that the method works. They are no promise for real ones."
    return (few, changing, labels, known_fraud(assessment), _refit(refitted=assessment.refitted), simulated)


def _what_it_is(assessment: Assessment) -> str:
    name = f"This {model_name(assessment.recipe.kind)}"
    learnt, judged = training_window(assessment), judged_window(assessment)
    if learnt is None or judged is None:
        return f"{name} learnt from {count(assessment.data.rows)} card transactions."
    return (
        f"{name} learnt from {count(learnt.rows)} card transactions of {span(learnt.first, learnt.last)}, and "
        f"was judged by {count(judged.rows)} later ones of {span(judged.first, judged.last)}, of which "
        f"{count(judged.frauds)} are frauds."
    )


def _how_well(assessment: Assessment) -> str | None:
    found, chance = assessment.intervals.get("average_precision"), fraud_rate(assessment)
    if found is None:
        return None
    return (
        f"It ranks them with an average precision of {interval(found)}"
        + (f", where chance would give {number(chance)}" if chance is not None else "")
        + ": 1 would be every fraud above every other transaction."
    )


def _what_it_means(assessment: Assessment) -> str | None:
    decision = shipped(assessment)
    if decision is None:
        return None
    test = decision.test
    caught = f"It catches {count(test.frauds_caught)} of {count(test.frauds)} frauds"
    if test.money_caught is not None and test.money_lost is not None:
        whole = money(test.money_caught + test.money_lost, assessment.currency)
        caught += f", and {number(test.money_caught)} of {whole} of their money"
    right = f", {percent(test.precision)} of them right" if test.precision is not None else ""
    return (
        f"Under the shipped policy (threshold {number(decision.threshold)}) it raises {number(test.alerts_a_day)} "
        f"alerts a day"
        f"{right}. {caught}."
    )


def _hyper_parameters(recipe: Recipe) -> str:
    given = msgspec.structs.asdict(recipe)
    forest = recipe.kind == "random_forest"
    named = [name for name in given if (name == "penalty") != forest and name not in {"kind", "resampling"}]
    return ", ".join(f"{name.replace('_', ' ')} {given[name]}" for name in named if given[name] is not None)


def _delay(days: float) -> str:
    if days <= 0:
        return "none: each label counts as known at once"
    return (
        f"{days:g} days lie between what is learnt from and what is judged, because that is how long it takes until "
        "frauds are known"
    )


def _refit(*, refitted: bool) -> str:
    if refitted:
        return (
            "Once judged, the model was fitted again to all rows, the test window's too, and its threshold was chosen "
            "anew by the same policy. The figures are of the model before that, which had seen less."
        )
    return "The model that ships is the one that was judged; it has seen nothing of the test window."
