"""Puts results into a document: insert.py DOCUMENT NAME FRAGMENT

The text between the comments `<!-- NAME -->` and `<!-- end of NAME -->` becomes that of FRAGMENT.
"""

import pathlib
import re
import sys

document, name, fragment = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
block = re.compile(f"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
text, count = block.subn(lambda match: match[1] + "\n" + fragment.read_text().strip() + "\n\n" + match[2], document.read_text())
if count != 1:
    sys.exit(f"{document} has {count} places for {name}")
document.write_text(text)
