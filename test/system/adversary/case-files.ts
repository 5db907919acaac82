import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Attack, nameOf } from './attack.js';
import { guests } from './guests.js';

export const tools = fileURLToPath(new URL('tools', import.meta.url));

const commentOf = (attack: Attack): string => nameOf(attack).replaceAll(/[\r\n]/g, ' ');

/** What both scripts of a case begin with. A program that stays is started and ended by name. */
const head = (attack: Attack, folder: string): string => `#!/bin/sh
# ${commentOf(attack)}
T=${'${T:-'}${tools}}
W=${folder}
mkdir -p "$W"
export T W
start() {
  name=$1; shift
  /usr/bin/python3 "$T/attack.py" "$@" >"$W/$name.out" 2>"$W/$name.err" </dev/null &
  echo $! >"$W/$name.pid"
  for _ in $(seq 1000); do
    grep -q ready "$W/$name.out" && return 0
    kill -0 "$(cat "$W/$name.pid")" 2>/dev/null || break
    sleep 0.02
  done
  tail -n 1 "$W/$name.err" >&2
  return 1
}
gone() {
  [ -e "$W/$1.pid" ] || return 0
  pid=$(cat "$W/$1.pid")
  kill "$pid" 2>/dev/null
  # what process 1 of a lab does not reap stays as a zombie
  for _ in $(seq 1000); do grep -q '^State:.[^ZX]' "/proc/$pid/status" 2>/dev/null || break; sleep 0.02; done
  rm -f "$W/$1.pid"
}
stop() { gone "$1"; }
undo() {
${attack.undo.map((line) => `  ${line}`).join('\n')}
  :
}
`;

/** The script of a case. Where this kernel refuses, it undoes its changes, writes the reason to `refused` and succeeds. */
function doing(attack: Attack, folder: string): string {
  const ears = [...attack.ears, { name: 'b', place: guests.b.mac, check: guests.b.port }];
  return `${head(attack, folder)}
exec 2>"$W/stderr"
trap 'status=$?; set +e; if [ $status != 0 ]; then { tail -n 3 "$W/stderr"; echo "exit $status"; } >"$W/refused"; undo 2>/dev/null; gone ear; fi; exit 0' EXIT
set -e
${attack.setup.join('\n')}
/usr/bin/python3 "$T/ear.py" "$W/heard" ${ears.map(({ name, place, check }) => `"${name}=${place}/${check}"`).join(' ')} >"$W/ear.out" 2>"$W/ear.err" </dev/null &
echo $! >"$W/ear.pid"
for _ in $(seq 1500); do [ -e "$W/heard.ready" ] && break; kill -0 "$(cat "$W/ear.pid")" 2>/dev/null || break; sleep 0.02; done
[ -e "$W/heard.ready" ] || { echo "no ear: $(tail -n 1 "$W/ear.err")" >&2; exit 9; }
`;
}

const undoing = (attack: Attack, folder: string): string => `${head(attack, folder)}
exec 2>/dev/null
[ ! -e "$W/refused" ] || exit 0
sleep ${attack.after === undefined ? 0 : attack.after + 0.2}
gone ear
undo
exit 0
`;

/** Writes the two scripts of a case; where its ear's log and its refusal will be. */
export function writeCase(attack: Attack, folder: string): { readonly does: string; readonly undoes: string } {
  mkdirSync(folder, { recursive: true });
  const [does, undoes] = [join(folder, 'do.sh'), join(folder, 'undo.sh')];
  writeFileSync(does, doing(attack, folder));
  writeFileSync(undoes, undoing(attack, folder));
  return { does, undoes };
}
