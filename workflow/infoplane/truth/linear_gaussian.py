"""The information of a linear layer with Gaussian inputs and Gaussian noise, by determinants.

X = R z, z standard normal, and T = A X + N(0, σ²I):
    I(X;T) = ½ log2 det(I + Rᵀ Aᵀ A R / σ²).
The label is Y = 1 if b · X > 0. U = b · X has variance 1. The best linear prediction of U from
T explains a share ρ² of this variance: it is m = ρ g with g standard normal, and
P(Y = 1 | T) = Φ(m / √(1 − ρ²)), so
    I(T;Y) = 1 − E h(Φ(ρ g / √(1 − ρ²))),        h the entropy of a bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infoplane.samples import BIT, Pair, Samples
from infoplane.truth.laws import Law, Normal, Signs, of_sign
from infoplane.truth.task import Draw, Task, generator

WIDEST = 1000
"""The law of T and X is kept up to this many dimensions of both together, a matrix of 8 MB."""


@dataclass(frozen=True)
class LinearLayer:
    """T = A X + noise.

    name : unique in its family
    matrix : A R (d, n_inputs); root : R (n_features, n_inputs)
    sigma : standard deviation of the noise on every unit
    shape, shape_x : (channels, height, width) of T and X if they are maps, else ()
    """

    name: str
    matrix: np.ndarray
    root: np.ndarray
    sigma: float
    shape: tuple[int, ...] = ()
    shape_x: tuple[int, ...] = ()

    @property
    def d(self) -> int:
        return len(self.matrix)

    @property
    def direction(self) -> np.ndarray:
        """The direction of b · X in z, of length 1; b · X is the mean of all features,
        scaled."""
        direction = self.root.mean(axis=0)
        return direction / np.linalg.norm(direction)

    def about_x(self) -> float:
        """I(X;T) in bits."""
        ratio = self.matrix.T @ self.matrix / self.sigma**2
        return float(BIT * np.linalg.slogdet(np.eye(len(ratio)) + ratio)[1] / 2)

    def about_y(self) -> float:
        """I(T;Y) in bits."""
        ratio = self.matrix.T @ self.matrix / self.sigma**2
        left = np.linalg.solve(np.eye(len(ratio)) + ratio, self.direction)
        return of_sign(1 - float(self.direction @ left))

    def laws(self) -> dict[str, Law]:
        """The laws of T and X and of T and Y; none if T and X have too many dimensions."""
        if self.d + len(self.root) > WIDEST:
            return {}
        both = np.vstack([self.matrix, self.root])
        covariance = both @ both.T
        covariance[: self.d, : self.d] += self.sigma**2 * np.eye(self.d)
        of_t = covariance[: self.d, : self.d]
        return {
            "continuous": Normal(covariance, self.d),
            "labels": Signs(of_t, self.matrix @ self.direction),
        }

    def draw(self, kind: str, n: int, seed: int) -> Draw:
        """A draw of n inputs: the pair of T with X or Y, and the layer."""
        rng = generator(f"linear layer {self.name} {kind}", n, seed)
        z = rng.standard_normal((n, self.root.shape[1]))
        s = z @ self.matrix.T
        t = s + self.sigma * rng.standard_normal(s.shape)
        y = (z @ self.direction > 0).astype(np.int64)
        where = {"layer": self.name, "shape": self.shape}
        layers = {
            "samples": Samples.of(s, y, **where),
            "noisy": Samples.of(t, y, centres=s, sigma=self.sigma, **where),
        }
        if kind == "inputs":
            return Draw(**layers)
        if kind == "labels":
            return Draw(Pair.of(t, y, self.name, (self.shape, ())), **layers)
        pair = Pair.of(t, z @ self.root.T, self.name, (self.shape, self.shape_x))
        return Draw(pair, **layers)

    def tasks(self) -> list[Task]:
        """T with X, T with Y, and the layer with its noise. The information about the drawn
        inputs, which kde and sp measure, is less than the truth and at most log2 n."""
        own = {
            "kde": {"noise": "absolute", "noise_variance": self.sigma**2},
            "sp": {},
            "certified": {"of": "population", "only_noise": True},
        }
        ixt, ity = self.about_x(), self.about_y()
        laws = self.laws()
        kinds = {
            "continuous": ("X", len(self.root), ixt, {}),
            "labels": ("Y", 0, ity, own),
            "inputs": ("index of X", 0, ixt, own),
        }
        return [
            Task(
                f"{self.name}, {of}",
                kind,
                self.d,
                d_b,
                truth,
                lambda n, seed, kind=kind: self.draw(kind, n, seed),
                settings=settings,
                law=laws.get(kind),
            )
            for kind, (of, d_b, truth, settings) in kinds.items()
        ]


def smooth_images(side: int, length: float) -> np.ndarray:
    """R (side², side²) of Gaussian images: pixels have variance 1, and two at a distance r have
    a correlation of exp(−r²/2 length²)."""
    place = np.arange(side)
    line = np.exp(-np.square(place[:, None] - place) / (2 * length**2))
    values, vectors = np.linalg.eigh(line)
    root = vectors * np.sqrt(values.clip(0))
    return np.kron(root, root)
