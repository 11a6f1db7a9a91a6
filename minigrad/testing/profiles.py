"""How many examples the gradient properties try, and from which seed they draw them."""

from __future__ import annotations

from typing import NamedTuple

INTERNAL = True

PROFILES = {"quick": 50, "ci": 200, "deep": 5000}
"""Examples per property in each profile."""


class Profile(NamedTuple):
    """A profile in use: its name, the examples per property, and the seed they are drawn from."""

    name: str
    examples: int
    seed: int


_current = Profile("ci", PROFILES["ci"], seed=0)


def use(name: str, seed: int = 0) -> None:
    """Makes the profile of this name, with this seed, the one in use; raises ValueError for a name not in PROFILES."""
    global _current
    if name not in PROFILES:
        raise ValueError(f"there is no profile {name!r}; choose one of {', '.join(PROFILES)}")
    _current = Profile(name, PROFILES[name], seed)


def current() -> Profile:
    """The profile in use: "ci" with seed 0 unless `use` said otherwise."""
    return _current
