"""Batches with samples of several shapes, for estimators that compute equal shapes in
parallel."""

from collections.abc import Callable, Sequence

from infoplane.samples import LayerInformation, Samples


def by_shape(
    batch: Sequence[Samples], records_of: Callable[[list[Samples]], Sequence[LayerInformation]]
) -> list[LayerInformation]:
    """Records of a batch, in its order. `records_of` gets samples of one shape, type and
    device."""
    groups: dict[tuple, list[int]] = {}
    for i, samples in enumerate(batch):
        kind = (samples.t.shape, samples.t.dtype, samples.t.device)
        groups.setdefault(kind, []).append(i)
    records: dict[int, LayerInformation] = {}
    for members in groups.values():
        records.update(zip(members, records_of([batch[i] for i in members]), strict=True))
    return [records[i] for i in range(len(batch))]
