"""Batches of samples of several shapes, for estimators that do equal ones in parallel."""

from collections.abc import Callable, Sequence

from infoplane.samples import Information, Samples


def by_shape(
    batch: Sequence[Samples], records_of: Callable[[list[Samples]], Sequence[Information]]
) -> list[Information]:
    """Records of a batch in its order; `records_of` gets samples of one shape, type, device."""
    groups: dict[tuple, list[int]] = {}
    for i, samples in enumerate(batch):
        kind = (samples.t.shape, samples.t.dtype, samples.t.device)
        groups.setdefault(kind, []).append(i)
    found: dict[int, Information] = {}
    for members in groups.values():
        found.update(zip(members, records_of([batch[i] for i in members]), strict=True))
    return [found[i] for i in range(len(batch))]
