"""How many epochs a schedule chooses, at the most, without choosing them."""


def n_of(schedule, n_available: int) -> int:
    """Most epochs that the schedule takes of so many.

    An adaptive schedule, or one of the user's own, may come to ask for all of them.
    """
    kind = getattr(schedule, "schedule", None)
    if kind == "every":
        return min(n_available, -(-n_available // schedule.n) + 2)
    if kind == "logarithmic":
        return min(n_available, schedule.number)
    if kind == "list":
        return min(n_available, len(schedule.epochs) + 2)
    return n_available
