# What both parts of CI begin with; to be sourced at the top of the repository.
set -euo pipefail
# The same random stacks in every run, so that one that fails can be repeated; without it tests draw others each time.
export PROPTEST_RNG_SEED=2007
# Nothing is compiled a second time after a change here.
export CARGO_INCREMENTAL=0
# Nor are places in the source written down for a debugger: a test that fails names its own.
export CARGO_PROFILE_DEV_DEBUG=false
# Runs of one part are looked into by the other.
work=${OSTL_CI_WORK:-$(mktemp -d)}
ostl=target/debug/ostl

step() { printf '\n== %s (%s s so far)\n' "$1" "$SECONDS"; }

# Programs of Debian that are not there yet.
needs() {
    local missing=()
    for package in "$@"; do dpkg -s "$package" > /dev/null 2>&1 || missing+=("$package"); done
    if [ ${#missing[@]} -gt 0 ]; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
    fi
}
