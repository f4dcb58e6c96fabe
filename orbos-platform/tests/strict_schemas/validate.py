"""Validates the Kubernetes objects of standard input (a JSON list) against the strict schemas of several versions.

    validate.py 1.33 1.34 ...     prints a line for each mistake, then how many objects were validated; exits 1 if there are mistakes

Objects of kinds that are no part of Kubernetes are counted as skipped.
"""
import functools
import json
import sys

import kubernetes_validate
from kubernetes_validate import utils

# The package reads its files again for every object.
utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)

objects = json.load(sys.stdin)
mistakes, validated, skipped = 0, 0, 0
for version in sys.argv[1:]:
    for it in objects:
        name = f"{it['kind']} {it['metadata'].get('namespace', '')}/{it['metadata']['name']}"
        try:
            used = utils.validate(it, version, strict=True)
            assert used == version, f"there are no schemas of {version}"
            validated += 1
        except utils.SchemaNotFoundError:
            skipped += 1
        except utils.ValidationError as error:
            mistakes += 1
            print(f"{version}: {name}: {'.'.join(map(str, error.path))}: {error.message}")
print(f"{validated} validated, {skipped} skipped, {mistakes} mistakes")
sys.exit(1 if mistakes else 0)
