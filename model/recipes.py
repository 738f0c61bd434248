"""How a candidate is made: the kind of model, what is done about rare frauds, and its hyper-parameters."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["random_forest", "logistic_regression"]
Criterion = Literal["gini", "entropy"]
Splits = Literal["best", "random"]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that decides a fit besides the rows and the seed.

    Attributes:
        kind: Which model.
        resampling: "none", "weights" (classes weigh the inverse of their frequency) or "smote:R", which makes up
            frauds until there are R of them for each legitimate row.
        trees: In the forest.
        criterion: By which a forest's tree splits.
        splits: Where it splits: at the best threshold of each feature that it looks at, or at the best of one random
            threshold for each ("extremely randomized trees", Geurts, Ernst, Wehenkel 2006), grown from all rows.
        max_depth: Of a forest's tree; None is unlimited.
        min_samples_leaf: Rows that a forest's leaf has at least.
        max_features: Share of the features that a forest's split looks at; None is the square root of their number.
        max_samples: Share of the rows that are drawn, with replacement, for each tree of best splits; None is 1.
        penalty: The inverse strength C of the regression's L2 penalty.
    """

    kind: Kind
    resampling: str = "none"
    trees: int = 100
    criterion: Criterion = "gini"
    splits: Splits = "best"
    max_depth: int | None = None
    min_samples_leaf: int = 1
    max_features: float | None = None
    max_samples: float | None = None
    penalty: float = 1.0

    @property
    def label(self) -> str:
        """In a few words, for tables."""
        if self.kind == "logistic_regression":
            return f"logistic regression, {self.resampling}" + (f", C={self.penalty:g}" if self.penalty != 1 else "")
        kind = "random forest" if self.splits == "best" else "random forest with random splits"
        chosen = {
            "trees": self.trees if self.trees != 100 else None,
            "split": self.criterion if self.criterion != "gini" else None,
            "depth": self.max_depth,
            "leaf": self.min_samples_leaf if self.min_samples_leaf != 1 else None,
            "features": self.max_features,
            "samples": self.max_samples,
        }
        named = "".join(f", {name} {value}" for name, value in chosen.items() if value is not None)
        return f"{kind}, {self.resampling}{named}"
