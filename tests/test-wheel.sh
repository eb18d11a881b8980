#!/usr/bin/env bash
# Build the wheel, install it in a clean environment outside the checkout, and run the tests there.
set -euo pipefail
checkout=$(pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$BIN/python" -m build --wheel --outdir "$place/dist" "$checkout" >"$place/build.log" 2>&1 ||
  { cat "$place/build.log"; exit 1; }
wheel=$(ls "$place"/dist/*.whl)
echo "built $(basename "$wheel") ($(du -k "$wheel" | cut -f1) KiB)"
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  --constraint "$checkout/constraints.txt" "$wheel[test]"
mkdir "$place/work"
cp -r "$checkout/tests" "$checkout/conftest.py" "$checkout/pyproject.toml" "$place/work/"
cd "$place/work"
"$place/venv/bin/python" - <<'PY'
import topolab, topolab_analyses, topolab_reports, topolab_trainers
for package in (topolab, topolab_analyses, topolab_reports, topolab_trainers):
    assert "site-packages" in package.__file__, package.__file__
print("topolab", topolab.__version__, "from", topolab.__file__)
PY
# The documents and benchmarks of the checkout, which their tests look at, are not in a wheel.
OMP_NUM_THREADS=1 "$place/venv/bin/python" -m pytest -q ${PARALLEL:-} tests \
  --ignore=tests/docs --ignore=tests/benchmarks ${PYTEST_ARGS:-}
