"""The exit code of a run."""

import logging

from locust.env import Environment
from locust.runners import Runner, WorkerRunner

from serving_lab.load.totals import Totals

logger = logging.getLogger(__name__)


def set_exit_code(environment: Environment, totals: Totals) -> None:
    """Make a headless run exit 1 where anything failed or nothing was answered; for a ``quitting`` listener.

    Failures count from the start, also those that ``--reset-stats`` takes out of the statistics. Workers leave the
    verdict to their master; so does a web UI to the person in front of it.
    """
    options, runner = environment.parsed_options, environment.runner
    if runner is None or options is None or not options.headless or isinstance(runner, WorkerRunner):
        return
    requests, failures = totals.requests.total(), totals.failures.total()
    if failures:
        logger.error("%d of %d requests failed%s", failures, requests, _most_frequent(runner))
    elif not requests:
        logger.error("no request was answered")
    elif runner.exceptions:
        logger.error("users met %d kinds of unexpected errors", len(runner.exceptions))
    else:
        return
    environment.process_exit_code = 1


def _most_frequent(runner: Runner) -> str:
    if not runner.errors:
        return ""
    error = max(runner.errors.values(), key=lambda error: error.occurrences)
    return f", most often {error.name}: {error.error}"
