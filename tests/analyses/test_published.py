"""The report's numbers, as far as they can be checked against what is said of them."""

from __future__ import annotations

from tinyinterp.evaluation.agreement import rank_correlation


def test_wider_and_deeper_models_have_a_lower_loss(script):
    sizes = script.SIZES
    losses = [row["loss"] for row in sizes.values()]
    assert len(losses) == 8
    assert losses == sorted(losses, reverse=True)
    assert all(0 <= row[name] <= 10 for row in sizes.values() for name in script.CRITERIA)
    assert script.ROUGE.keys() < sizes.keys()


def test_the_judge_s_scores_follow_the_loss(script):
    loss = {size: row["loss"] for size, row in script.SIZES.items()}
    for criterion, scores in script.by_criterion().items():
        found = rank_correlation(loss, scores)
        assert found.models == 8
        assert found.rho < -0.7, criterion
        assert found.p_value < 0.05
