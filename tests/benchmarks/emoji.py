"""A real set of small pictures that nobody here drew: 3,786 emoji, each with its name, as a folder.

    npm pack emoji-datasource-twitter@16.0.0        # 60 MB; Twemoji's pictures, licence CC BY 4.0
    python tests/benchmarks/emoji.py emoji-datasource-twitter-16.0.0.tgz emoji
    dino train --data emoji

The folder holds the pictures, 64 pixels wide, and `metadata.csv`, as `imagefolder` of `datasets` reads it: `file_name`, `text`
(the name, "tulip") and `label` (what it belongs to, "plant-flower"). It stays out of this repository.
"""

import csv
import json
import sys
import tarfile
from pathlib import Path


def unpack(package: Path, folder: Path) -> int:
    """Write the pictures of the package and their names into a new folder; returns how many there are."""
    folder.mkdir(parents=True)
    with tarfile.open(package) as archive:
        table = json.load(archive.extractfile("package/emoji.json"))
        names = {}
        for emoji in table:
            for one in (emoji, *emoji.get("skin_variations", {}).values()):
                if one["has_img_twitter"]:
                    names[one["image"]] = (emoji["name"].lower(), emoji["subcategory"])
        for name in names:
            picture = archive.extractfile(f"package/img/twitter/64/{name}")
            (folder / name).write_bytes(picture.read())
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file_name", "text", "label"))
        rows.writerows((name, *words) for name, words in sorted(names.items()))
    return len(names)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    package, folder = map(Path, sys.argv[1:])
    print(f"{unpack(package, folder):,} emoji in {folder}")
