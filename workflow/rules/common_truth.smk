# The functions from which the rules of the calibration page take inputs and settings.


@cache
def truth_page():
    """The calibration page; read, and its problems imported, when a rule asks for it."""
    from infoplane.truth import page

    try:
        return page.load(experiment.truth)
    except ConfigError as error:
        raise WorkflowError(str(error))


def estimates_of_truth(wildcards):
    """The answers of every estimator of the page to every problem that it is asked."""
    return [f"{TRUTH}/estimates/{by}/{problem}.csv" for by, problem in truth_page().answers()]


def of_problems(ending):
    """A file of every problem of the calibration page."""
    return lambda w: [f"{TRUTH}/problems/{name}.{ending}" for name in truth_page().problems]


PROBLEM = Result(
    f"{TRUTH}/problems/{{problem}}.json",
    known(lambda w: truth_page().recipe_of_problem(w.problem)),
)
ANSWERS = Result(
    f"{TRUTH}/estimates/{{answerer}}/{{problem}}.json",
    known(lambda w: truth_page().recipe_of_answers(w.answerer, w.problem)),
)
PAGE = Result(f"{TRUTH}/calibration.json", known(lambda w: truth_page().recipe()))
