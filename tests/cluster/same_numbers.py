"""Compares what a page of the dashboard says of the cluster with what the plugin prints, but for times that go on: same_numbers.py PAGE PLUGIN"""

import json
import sys


def timeless(value):
    """The same without the seconds that something has gone on for."""
    if isinstance(value, dict):
        return {name: timeless(part) for name, part in value.items() if name != "seconds"}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def main():
    page, plugin = (json.load(open(path)) for path in sys.argv[1:])
    shown, said = timeless(page["cluster"]), timeless(plugin)
    if shown != said:
        differing = [name for name in shown.keys() | said.keys() if shown.get(name) != said.get(name)]
        sys.exit("\n".join("%s: %s instead of %s" % (name, json.dumps(shown.get(name)), json.dumps(said.get(name))) for name in differing))


main()
