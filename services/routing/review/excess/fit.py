"""Quasi-Poisson regression with a log link, and the weights that take past outbreaks out of a baseline.

The fit is iteratively reweighted least squares as R's ``glm.fit`` does it (start μ = y + 0.1, at most 25 rounds, until
the deviance changes by less than 1e-8 of itself), so that its figures can be compared with those of R's
``surveillance``. The weights are those of Farrington et al. 1996 and Noufaily et al. 2013.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

Array = npt.NDArray[np.float64]

WEIGHTS_THRESHOLD = 2.58
"""A past count whose standardised residual is above this counts for less (Noufaily et al. 2013)."""

_ROUNDS = 25
_TOLERANCE = 1e-8
_TINY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Fit:
    """A fitted model. ``mu`` are the fitted counts, ``residuals`` the working residuals (y − μ)/μ, ``working`` the
    last round's weights and ``root`` the triangle of its QR decomposition, ``hat`` the leverages."""

    coefficients: Array
    y: Array
    mu: Array
    residuals: Array
    working: Array
    hat: Array
    root: Array
    freedom: int
    converged: bool

    @cached_property
    def dispersion(self) -> float:
        """φ = max(1, Pearson χ²/(n − p)): below 1 the counts would be steadier than chance."""
        return max(float(np.sum(self.working * self.residuals**2)) / self.freedom, 1.0)

    def at(self, row: Array) -> float:
        """The linear predictor log μ where the regressors are ``row``."""
        return float(row @ self.coefficients)

    def significance(self, column: int, prior: Array) -> float:
        """The p value of a coefficient's t test, its dispersion taken from ``prior`` weights and working residuals, as
        ``surveillance`` takes it (it puts the prior weights where R's ``summary.glm`` looks for the working ones)."""
        dispersion = float(np.sum(prior * self.residuals**2)) / self.freedom
        inverse = np.linalg.inv(self.root)
        error = float(np.sqrt(dispersion * np.sum(inverse[column] ** 2)))
        if error == 0:
            return 0.0
        return float(2 * stdtr(self.freedom, -abs(self.coefficients[column] / error)))


def fit(design: Array, y: Array, weights: Array | None = None) -> Fit:
    """The model of counts ``y`` (n) on ``design`` (n × p) with prior ``weights`` (n, all 1 if None); n > p."""
    prior = np.ones_like(y) if weights is None else weights
    mu = y + 0.1
    eta = np.log(mu)
    before = _deviance(y, mu, prior)
    for _ in range(_ROUNDS):
        working = prior * mu
        scale = np.sqrt(working)
        q, root = np.linalg.qr(design * scale[:, None])
        coefficients = np.linalg.solve(root, q.T @ ((eta + (y - mu) / mu) * scale))
        eta = design @ coefficients
        mu = np.maximum(np.exp(eta), _TINY)
        deviance = _deviance(y, mu, prior)
        if converged := abs(deviance - before) / (abs(deviance) + 0.1) < _TOLERANCE:
            break
        before = deviance
    return Fit(
        coefficients=coefficients,
        y=y,
        mu=mu,
        residuals=(y - mu) / mu,
        working=working,
        hat=np.minimum(np.sum(q**2, axis=1), 1.0),
        root=root,
        freedom=int(np.count_nonzero(prior)) - design.shape[1],
        converged=bool(converged),
    )


def _deviance(y: Array, mu: Array, weights: Array) -> float:
    ratio = np.log(np.where(y > 0, y, mu) / mu)
    return float(2 * np.sum(weights * (y * ratio - (y - mu))))


def anscombe_residuals(model: Fit) -> Array:
    """Standardised Anscombe residuals 3/2 (y^⅔ μ^−⅙ − μ^½) / √(φ (1 − h)); infinite where h = 1."""
    raw = 1.5 * (model.y ** (2 / 3) * model.mu ** (-1 / 6) - np.sqrt(model.mu))
    with np.errstate(divide="ignore", invalid="ignore"):
        return raw / np.sqrt(model.dispersion * (1 - model.hat))


def outbreak_weights(s: Array, threshold: float = WEIGHTS_THRESHOLD) -> Array:
    """γ s⁻² where the residual ``s`` is above ``threshold``, else γ, with γ such that the weights' sum is n."""
    high = s > threshold
    weights = np.ones_like(s)
    weights[high] = s[high] ** -2
    return weights * (len(s) / np.sum(weights))


@dataclass(frozen=True)
class Robust:
    """A fit whose outliers were weighed down. ``weights`` are the prior weights that it was fitted with."""

    model: Fit
    weights: Array


def robust_fit(design: Array, y: Array) -> Robust | None:
    """Fits, weighs high past counts down by their Anscombe residuals, and fits again; None if the first does not
    converge."""
    first = fit(design, y)
    if not first.converged:
        return None
    weights = outbreak_weights(anscombe_residuals(first))
    return Robust(fit(design, y, weights), weights)
