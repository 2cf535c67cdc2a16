#!/usr/bin/env python3
"""Lists the circles of imports between the top-level modules of Rust crates.

Usage: module_circles.py SRC...   (folders such as operator/src)

A module imports another where one of its files, tests included, names `crate::other`. In a circle no module can be read, tested or
moved without the others. Prints the modules of each circle with the files that make it, and ends with 1 where there is one.
"""

import re
import sys
from pathlib import Path


def main():
    found = 0
    for src in map(Path, sys.argv[1:]):
        imports = read(src)
        for circle in circles(imports):
            found += 1
            print(f"{src}: these modules import each other: {', '.join(circle)}")
            for module in circle:
                for other in circle:
                    if files := imports[module].get(other):
                        print(f"  {module} -> {other}: {', '.join(sorted(files))}")
    sys.exit(1 if found else 0)


def read(src):
    """The modules that each module imports, with the files that do."""
    files = {}
    for file in sorted(src.rglob("*.rs")):
        parts = file.relative_to(src).with_suffix("").parts
        if parts[0] not in ("lib", "main"):
            files.setdefault(parts[0], []).append(file)
    imports = {module: {} for module in files}
    for module, paths in files.items():
        for file in paths:
            for other in named(file.read_text()) & files.keys() - {module}:
                imports[module].setdefault(other, set()).add(str(file.relative_to(src)))
    return imports


def named(text):
    """What a file names below `crate::`, in braces, too."""
    text = re.sub(r"//.*", "", text)
    names = set(re.findall(r"\bcrate::(\w+)", text))
    for start in re.finditer(r"\bcrate::\{", text):
        depth, top = 1, ""
        for letter in text[start.end():]:
            depth += {"{": 1, "}": -1}.get(letter, 0)
            if depth == 0:
                break
            top += letter if depth == 1 else ""
        names.update(re.findall(r"(?:^|,)\s*(\w+)", top))
    return names


def circles(imports):
    """Groups of modules of which each reaches each of the others."""
    reached = {module: reach(imports, module) for module in imports}
    groups = {tuple(sorted(other for other in reached[module] if module in reached[other])) for module in imports if module in reached[module]}
    return sorted(groups)


def reach(imports, module):
    """The modules that can be reached from one; itself, where a circle leads back."""
    seen, ahead = set(), list(imports[module])
    while ahead:
        other = ahead.pop()
        if other not in seen:
            seen.add(other)
            ahead += imports[other]
    return seen


if __name__ == "__main__":
    main()
