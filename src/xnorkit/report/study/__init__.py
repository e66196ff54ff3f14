"""The experiments of `xnorkit report`: each file measures one, `plan` says how much of it, `runner` runs them."""

from xnorkit.report.study.plan import PLANS, Plan
from xnorkit.report.study.runner import StudyResult, run_study, steps_of
from xnorkit.report.study.study import Study

__all__ = ["PLANS", "Plan", "Study", "StudyResult", "run_study", "steps_of"]
