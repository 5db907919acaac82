#!/bin/sh
# `npm test`, `npm run test:all`, a share of it: set-up, then the tests of the levels that the arguments name. The last line is the sum
# over all runs.
cd "$(dirname "$0")/.." || exit 70
sh scripts/set-up.sh test || { status=$?; echo '0 passed, 1 failed, 0 skipped'; exit "$status"; }
exec node scripts/run-tests.mjs "$@"
