"""Where networks stand in strata, and what is said of those that stand nowhere."""

import json
import math

import pytest

from infoplane.compare.strata import At, Course, Last, Matched, select


def course(seed=0, losses=(2.3, 1.0, 0.5, 0.2), kept=(0, 1, 2, 3), **about):
    return Course("run", seed, list(kept), dict(enumerate(losses)), **about)


def epochs(courses, **strata):
    return {(one.seed, one.stratum): one.epoch for one in select(courses, strata).chosen}


def test_last_is_each_networks_own_end():
    two = [course(0), course(1, (2.3, 1.0), (0, 1))]
    assert epochs(two, end=Last()) == {(0, "end"): 3, (1, "end"): 1}


def test_at_needs_the_epoch_to_be_there():
    both = [course(0), course(1, (2.3, 1.0), (0, 1)), course(2, kept=(0, 1, 3))]
    found = select(both, {"two": At(stratum="epoch", epoch=2)}).chosen
    assert [one.epoch for one in found] == [2, None, None]
    assert found[1].why == "training ended in epoch 1"
    assert found[2].why == "the weights of epoch 2 were not kept"


@pytest.mark.parametrize(("loss", "epoch"), [(1.05, 1), (0.48, 2), (0.21, 3)])
def test_matched_takes_the_kept_epoch_of_the_nearest_loss(loss, epoch):
    stratum = Matched(stratum="loss", loss=loss)
    assert epochs([course()], same=stratum) == {(0, "same"): epoch}


def test_matched_names_who_has_no_epoch_near_enough():
    (one,) = select([course()], {"same": Matched(stratum="loss", loss=0.75)}).chosen
    assert one.epoch is None
    assert one.why == (
        "no kept epoch has a training loss within 10% of 0.75; the nearest is 1 in epoch 1"
    )


def test_the_level_is_the_lowest_that_a_share_reaches():
    four = [course(seed, (2.3, 1.0, last)) for seed, last in enumerate((0.1, 0.4, 0.2, 0.9))]
    four = [Course(c.run, c.seed, [0, 1, 2], c.losses) for c in four]
    levels = {
        share: select(four, {"s": Matched(stratum="loss", reached_by=share)}).levels["s"]
        for share in (0.25, 0.5, 0.75, 1.0)
    }
    # 'higher' of the four lowest losses 0.1, 0.2, 0.4, 0.9
    assert levels == {0.25: 0.2, 0.5: 0.4, 0.75: 0.9, 1.0: 0.9}


def test_before_training_nothing_is_compared():
    (one,) = select([course(kept=(0,))], {"end": Last()}).chosen
    assert one.epoch is None and one.why == "no epoch after training began is kept"


def test_lost_networks_stand_nowhere_and_are_named():
    failed = course(4, (2.3, math.nan), (0, 1), lost="the loss became NaN", failed=True)
    found = select([course(), failed], {"end": Last(), "same": Matched(stratum="loss")})
    assert [one.why for one in found.chosen if one.seed == 4] == ["the loss became NaN"] * 2
    assert found.levels["same"] == 0.2  # of the one that works
    written = json.loads(json.dumps(found.written()))
    assert written["failed"] == [["run", 4]]
    assert written["chosen"] == [["run", 0, "end", 3], ["run", 0, "same", 3]]
    assert {tuple(row[:3]) for row in written["left_out"]} == {
        ("run", 4, "end"),
        ("run", 4, "same"),
    }
