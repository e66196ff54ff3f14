"""Look for known weaknesses of the installed packages, and write their bill of materials (CycloneDX).

    python tools/audit.py        # writes build/audit/weaknesses.json and build/audit/bill-of-materials.json

pip-audit also ends well when its service answers for no package. Here each package must have been looked up, but for
xnorkit itself and builds such as 2.13.0+cpu, which the package index does not have.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "audit"
EDITABLE = "distribution marked as editable"
LOCAL_BUILD = re.compile(r"\(\S+\+\S+\)$")


def judge(packages: Sequence[dict[str, Any]]) -> list[str]:
    """Return what is wrong, from the dependencies that pip-audit lists: weaknesses, and packages that nobody knew."""
    wrong = [
        f"{package['name']} {package['version']} has the known weakness {weakness['id']}. Update it."
        for package in packages
        for weakness in package.get("vulns", ())
    ]
    reasons = {package["name"]: package["skip_reason"] for package in packages if "skip_reason" in package}
    unknown = [name for name, reason in reasons.items() if reason != EDITABLE and not LOCAL_BUILD.search(reason)]
    if unknown:
        wrong.append(
            f"{len(unknown)} of {len(packages)} packages were not looked up, such as {min(unknown)}, but each must be. "
            "Run the audit where the service of pip-audit is reached."
        )
    return wrong


def check_bill(text: str) -> int:
    """Return the number of components of a bill of materials; ValueError if it is none, or lacks NumPy."""
    bill = json.loads(text)
    names = {component["name"].lower() for component in bill.get("components", ())}
    if bill.get("bomFormat") != "CycloneDX" or "numpy" not in names:
        raise ValueError("The bill of materials lacks NumPy, but it must list every installed package.")
    return len(names)


def main() -> None:
    """Write both files; exit with what is wrong."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    programs = Path(sys.executable).parent
    bill, weaknesses = FOLDER / "bill-of-materials.json", FOLDER / "weaknesses.json"
    command: list[str | Path] = [
        programs / "cyclonedx-py",
        "environment",
        "--validate",
        "--output-file",
        bill,
        sys.executable,
    ]
    subprocess.run(command, check=True)
    print(f"{bill.relative_to(ROOT)}: {check_bill(bill.read_text(encoding='utf-8'))} packages")
    weaknesses.unlink(missing_ok=True)
    command = [programs / "pip-audit", "--skip-editable", "--format", "json", "--output", weaknesses]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not weaknesses.is_file():
        sys.exit(f"pip-audit failed:\n{done.stdout}{done.stderr}")
    packages = json.loads(weaknesses.read_text(encoding="utf-8"))["dependencies"]
    wrong = judge(packages)
    if not wrong:
        print(f"{weaknesses.relative_to(ROOT)}: {len(packages)} packages without a known weakness")
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
