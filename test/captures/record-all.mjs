// `npm run captures [-- NAME…]`: records the runs of captures/ again, or those named, by the program that was just
// built, then makes what is made of them: the reasons and the captures of others. A new name is one of scenarios/. A run that does not come to what its
// scenario expects is tried three times, then left as it was. What this kernel lacks is recorded under User-mode Linux.
// Needs root. Look at the difference before it is committed.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const top = resolve(import.meta.dirname, '../..');
const captures = join(top, 'captures');
const attempts = 3;
const inTurn = 2;
/** Exit status of a run that asks for what this kernel lacks. */
const unsupported = 69;

const shipped = (name) => `scenarios/${name}.yml`;
/** The scenario that a recorded run names, or the one of a new name. */
function scenarioOf(name) {
  const record = join(captures, name, 'run.json');
  return existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')).scenario.file : shipped(name);
}
const isRecording = (name) => existsSync(join(captures, name, 'plan.json')) && !name.startsWith('reason-');

/** Runs Node in the checkout; resolves with the exit status and all that it printed. */
function run(...words) {
  return new Promise((done) => {
    let output = '';
    const child = spawn(process.execPath, words, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('close', (status) => done({ status, output }));
  });
}

/** Puts the folder in place of captures/NAME, readable by every user, as Git has it. */
function place(folder, name) {
  const target = join(captures, name);
  rmSync(target, { recursive: true, force: true });
  cpSync(folder, target, { recursive: true });
  for (const entry of ['.', ...readdirSync(target, { recursive: true, encoding: 'utf8' })]) {
    const path = join(target, entry);
    chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
  }
}

/**
 * Records a run below `staging`, here or under User-mode Linux, and puts it into captures/. Gives the last exit status
 * and what was printed.
 */
async function record(name, staging, isUml) {
  const where = isUml ? ' under User-mode Linux' : '';
  const started = Date.now();
  let last = { status: null, output: '' };
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const folder = join(staging, `${name}-${attempt}`);
    rmSync(folder, { recursive: true, force: true });
    const words = ['dist/cli.cjs', 'record', scenarioOf(name), '--quiet', '--into', folder];
    last = await run(...(isUml ? ['scripts/test-uml.mjs', '--program', ...words] : words));
    if (last.status === 0) {
      place(folder, name);
      console.log(`captures: ${name} recorded${where}, ${Math.round((Date.now() - started) / 1000)} s`);
      return last;
    }
    console.log(`captures: ${name}: exit status ${last.status}${where}, attempt ${attempt} of ${attempts}`);
    if (last.status === unsupported) return last;
  }
  return last;
}

/** Records runs, a few at a time; what this kernel lacks afterwards, alone. Gives what failed. */
async function recordAll(names, staging) {
  const waiting = [...names];
  const refused = [];
  const failures = [];
  const note = (name, { status, output }) =>
    failures.push(`${name}: left as it was, for its run ended with exit status ${status}:\n${output}`);
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const last = await record(name, staging, false);
      if (last.status === unsupported) refused.push(name);
      else if (last.status !== 0) note(name, last);
    }
  };
  await Promise.all(Array.from({ length: inTurn }, worker));
  for (const name of refused) {
    const last = await record(name, staging, true);
    if (last.status !== 0) note(name, last);
  }
  return failures;
}

if (process.getuid() !== 0) {
  console.error('captures: the runs are recorded as root: sudo npm run captures');
  process.exit(77);
}
const known = readdirSync(captures).filter(isRecording);
const named = process.argv.slice(2);
const unknown = named.filter((name) => !known.includes(name) && !existsSync(join(top, shipped(name))));
if (unknown.length > 0) {
  console.error(
    `captures: neither a recorded run nor a scenario is called ${unknown.join(', ')}: name one of ${known.join(', ')}`,
  );
  process.exit(64);
}
const staging = mkdtempSync(join(tmpdir(), 'verify-isolation-captures-'));
try {
  const failures = await recordAll(named.length > 0 ? named : known, staging);
  for (const script of ['make-reasons.mjs', 'make-foreign.mjs']) {
    const { status, output } = await run(join('test/captures', script));
    if (status !== 0) failures.push(`${script} ended with exit status ${status}:\n${output}`);
    else console.log(`captures: ${script} made its folders`);
  }
  for (const failure of failures) console.error(`captures: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  rmSync(staging, { recursive: true, force: true });
}
