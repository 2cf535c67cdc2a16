#!/usr/bin/env python3
"""Lists the circles of imports between the modules of a crate, or between those of one folder of it.

Usage: module_circles.py FOLDER...   (operator/src: its top-level modules; scorer/src/predictions: the modules in there)

A module imports another where one of its files names it: tests included at the top, where it is `crate::other`, and without them in
a folder, where it is `super::other` or a name that the folder's mod.rs takes from there. In a circle no module can be read, tested
or moved without the others. Prints the modules of each circle with the files that make it, and ends with 1 where there is one.
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
        if parts[0] not in ("lib", "main", "mod"):
            depth = len(parts) - (parts[-1] == "mod")
            files.setdefault(parts[0], []).append((file, depth))
    below = src.parts[src.parts.index("src") + 1:]
    taken = reexported(src / "mod.rs") if below else {}
    imports = {module: {} for module in files}
    for module, paths in files.items():
        for file, depth in paths:
            text = re.sub(r"//.*", "", file.read_text())
            if below:
                text = "" if file.stem == "tests" else re.split(r"#\[cfg\(test\)\]\s*mod ", text)[0]
            names = named(text, "::".join(("crate", *below)))
            if below:
                names |= named(text, "::".join(["super"] * depth))
            names = {name if name in files else taken.get(name) for name in names}
            for other in names & files.keys() - {module}:
                imports[module].setdefault(other, set()).add(str(file.relative_to(src)))
    return imports


def reexported(mod):
    """The names that a folder's mod.rs takes from its modules, with the module."""
    uses = re.findall(r"\buse (?:self::)?(\w+)::(\{[^}]*\}|\w+)", mod.read_text())
    return {name: module for module, names in uses for name in re.findall(r"\w+", names)}


def named(text, path):
    """What a file names below a path, in braces, too."""
    path = rf"(?<![\w:]){path}::"
    names = set(re.findall(path + r"(\w+)", text))
    for start in re.finditer(path + r"\{", text):
        depth, top = 1, ""
        for letter in text[start.end():]:
            depth += {"{": 1, "}": -1}.get(letter, 0)
            if depth == 0:
                break
            top += letter if depth == 1 and letter not in "{}" else ""
        names.update(re.findall(r"(?:^|,)\s*(\w+)", top))
    return names - {"super"}


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
