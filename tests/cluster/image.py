"""Takes one program out of an image archive: image.py ARCHIVE NAME FILE"""
import json
import os
import sys
import tarfile


def main() -> None:
    archive, name, target = sys.argv[1:4]
    with tarfile.open(archive) as image:
        manifest = image.extractfile("manifest.json")
        assert manifest
        for layer in reversed(json.load(manifest)[0]["Layers"]):
            with tarfile.open(fileobj=image.extractfile(layer)) as files:
                for member in files:
                    if member.isfile() and os.path.basename(member.name) == name:
                        program = files.extractfile(member)
                        assert program
                        with open(target, "wb") as file:
                            file.write(program.read())
                        os.chmod(target, 0o755)
                        return
    sys.exit(f"no {name} in {archive}")


main()
