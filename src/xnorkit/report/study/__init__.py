"""The experiments of `xnorkit report`: `plan` sizes them, `runner` runs them, the other files measure."""

from xnorkit.report.study.plan import PLANS, Plan
from xnorkit.report.study.runner import StudyResult, run_study, steps_of
from xnorkit.report.study.study import Study

__all__ = ["PLANS", "Plan", "Study", "StudyResult", "run_study", "steps_of"]
