#!/usr/bin/env python3
"""Checks what the alerts and dashboards of the chart must have, and writes the panels' expressions as rules for promtool.

Usage: check.py FILES TESTS RUNBOOK MIXIN PANELS

FILES is the chart's folder of files, TESTS the tests of promtool, RUNBOOK the page of the alerts, MIXIN what mixin.libsonnet comes to,
PANELS the file to write.
"""

import json
import re
import sys
from pathlib import Path

# What Grafana puts in the places of variables.
VARIABLES = {
    "cluster": ".*",
    "namespace": ".*",
    "schedule": ".*",
    "price": "0.19",
    "__rate_interval": "5m",
}
WANTED = ["datasource", "cluster", "namespace", "schedule", "price"]


def main():
    files, tests, runbook, mixin, panels = map(Path, sys.argv[1:])
    mixin = json.loads(mixin.read_text())
    found = list(check_alerts(mixin, tests.read_text(), runbook.read_text()))
    expressions = []
    for path in sorted(files.glob("dashboards/*.json")):
        dashboard = json.loads(path.read_text())
        found += check_dashboard(path.name, dashboard, expressions)
        if dashboard not in mixin["grafanaDashboards"].values():
            found.append(f"{path.name}: the mixin is without it")
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions)]
    panels.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    for line in found:
        print(f"check.py: {line}", file=sys.stderr)
    sys.exit(bool(found))


def check_alerts(mixin, tests, runbook):
    """An alert has a severity, says what is wrong and where its page is; it has its tests, and the page its section."""
    headings = {line[3:].strip() for line in runbook.splitlines() if line.startswith("## ")}
    names = set()
    for group in mixin["prometheusAlerts"]["groups"]:
        for rule in group["rules"]:
            name = rule["alert"]
            names.add(name)
            if not name.startswith("Fleetscore"):
                yield f"{name}: its name does not begin with Fleetscore"
            if rule["labels"]["severity"] not in ("critical", "warning", "info"):
                yield f"{name}: severity {rule['labels']['severity']}"
            notes = rule["annotations"]
            if not notes.get("summary") or not notes.get("description"):
                yield f"{name}: without summary or description"
            if not notes["runbook_url"].endswith(f"docs/cluster/alerts.md#{name.lower()}"):
                yield f"{name}: runbook_url {notes['runbook_url']}"
            if name not in headings:
                yield f"{name}: the runbook has no section of this name"
            if not re.search(rf'alertname="{name}"', tests):
                yield f"{name}: no test in which it fires"
    for name in sorted(headings - names):
        if name.startswith("Fleetscore"):
            yield f"{name}: a section of the runbook without an alert"


def check_dashboard(name, dashboard, expressions):
    """Every panel can be read by whoever has any data source; its expressions are added to `expressions`."""
    found = []
    if "__inputs" in dashboard or dashboard["id"] is not None:
        found.append(f"{name}: it is an export, not a source")
    variables = [variable["name"] for variable in dashboard["templating"]["list"]]
    if variables != WANTED:
        found.append(f"{name}: variables {variables}, not {WANTED}")
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            continue
        where = f"{name}: {panel['title']}"
        if not panel.get("description"):
            found.append(f"{where}: no description")
        if not panel["fieldConfig"]["defaults"].get("unit"):
            found.append(f"{where}: no unit")
        for target in [panel, *panel["targets"]]:
            if target["datasource"]["uid"] != "${datasource}":
                found.append(f"{where}: data source {target['datasource']}")
        for target in panel["targets"]:
            text = re.sub(r"\$(\w+)", lambda match: VARIABLES[match[1]], target["expr"])
            expressions.append(text)
    return found


if __name__ == "__main__":
    main()
