#!/usr/bin/env bash
# Run the golden tests under every supported Python that this machine has, without the extra `models`.
#
#     scripts/pythons.sh [VERSION ...]      default: 3.11 3.12 3.13 3.14
#
# A data set must have the same bytes under each. Every Python gets an environment of its own, .venv-VERSION, with the
# base dependencies and pytest. A Python that this machine lacks is named, and fails nothing. The one of .venv is left
# out: `make suite` runs all tests with it.
set -euo pipefail
cd "$(dirname "$0")/.."

versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(3.11 3.12 3.13 3.14)
main=$("${VENV:-.venv}/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)

# Print a working interpreter of a version: from PATH, or from pyenv, whose shims fail for versions that are not active.
interpreter() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

# Make the environment of a version, if it is older than its recipe, and run the tests in it.
check() {
    local version=$1 python=$2 venv=".venv-$1"
    if [ ! "$venv/stamp" -nt pyproject.toml ] || [ ! "$venv/stamp" -nt constraints.txt ]; then
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
            --editable . pytest hypothesis
        touch "$venv/stamp"
    fi
    "$venv/bin/python" --version
    "$venv/bin/python" -m pytest -q tests/test_golden.py
}

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
declare -A running=()
for version in "${versions[@]}"; do
    [ "$version" != "$main" ] || continue
    python=$(interpreter "$version")
    if [ -z "$python" ]; then
        echo "Python $version: not on this machine, not tested"
        continue
    fi
    (set -e; check "$version" "$python") >"$logs/$version" 2>&1 &
    running[$version]=$!
done

failed=()
for version in "${!running[@]}"; do
    wait "${running[$version]}" || failed+=("$version")
    cat "$logs/$version"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "the golden tests failed under Python ${failed[*]}: a data set depends on the version of Python" >&2
    exit 1
fi
