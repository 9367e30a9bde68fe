"""jq as a program, over the Python package of that name: as much of it as the documents' commands need."""

import json
import sys

import jq

options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
programs = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
if options == ["--version"]:
    print("jq of the Python package")
    sys.exit()
if len(programs) != 1 or not set(options) <= {"-c"}:
    sys.exit("jq: expected a filter and at most -c, found " + " ".join(sys.argv[1:]))
style = {"separators": (",", ":")} if "-c" in options else {"indent": 2}
try:
    for value in jq.compile(programs[0]).input_text(sys.stdin.read()):
        print(json.dumps(value, ensure_ascii=False, **style))
except ValueError as error:
    print(f"jq: error: {error}", file=sys.stderr)
    sys.exit(5)
