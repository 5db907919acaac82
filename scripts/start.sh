#!/bin/sh
# `npm start`: set-up, then the experiment the project is named after. Arguments after `--` go to the run.
cd "$(dirname "$0")/.." || exit 70
sh scripts/set-up.sh run || exit $?
exec node dist/cli.cjs run scenarios/wireshark-experiment.yml "$@"
