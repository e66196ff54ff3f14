"""What `make audit` makes of pip-audit's answers."""

import json

import pytest
from audit import check_bill, judge

FINE = {"name": "numpy", "version": "2.4.6", "vulns": []}
OWN = {"name": "xnorkit", "skip_reason": "distribution marked as editable"}
TORCH = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.13.0+cpu)"}
UNKNOWN = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0.0)"}


def test_known_packages_pass() -> None:
    assert judge([FINE, OWN, TORCH]) == []


def test_an_audit_that_looked_nothing_up_fails() -> None:
    (line,) = judge([FINE, OWN, UNKNOWN])
    assert line.startswith("1 of 3 packages were not looked up, such as rich, but each must be.")


def test_a_weakness_is_named() -> None:
    (line,) = judge([{**FINE, "vulns": [{"id": "PYSEC-1"}]}])
    assert line == "numpy 2.4.6 has the known weakness PYSEC-1. Update it."


def test_the_bill_lists_packages() -> None:
    assert check_bill(json.dumps({"bomFormat": "CycloneDX", "components": [{"name": "NumPy"}]})) == 1
    with pytest.raises(ValueError, match="lacks NumPy"):
        check_bill("{}")
