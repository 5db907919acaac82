// Starts a process that reads what others wrote as the program does, has attack.cjs try things inside it, and prints what it was told: JSON.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { confinedCommand } from '../../../build/system/process/helper-command.js';
import { helperIdentity } from '../../../build/system/process/identity.js';

const [task] = process.argv.slice(2);
const dir = mkdtempSync('/tmp/try-confined-');
const attacked = (name, mode) => {
  mkdirSync(join(dir, name));
  chmodSync(join(dir, name), mode);
  return join(dir, name);
};
chmodSync(dir, 0o755);
const evidence = attacked('evidence', 0o700);
const env = {
  ...process.env,
  ATTACKED_FOLDER: attacked('own', 0o700),
  ATTACKED_JOURNAL: attacked('journal', 0o700),
  ATTACKED_SHARED: attacked('shared', 0o1777),
  NODE_OPTIONS: `--require=${fileURLToPath(new URL('attack.cjs', import.meta.url))}`,
};
const [program, ...words] = confinedCommand(task, task === 'judge' ? null : helperIdentity());
const child = spawn(program, words, { env, stdio: ['pipe', 'pipe', 'pipe', openSync(evidence, 'r')] });
let stderr = '';
child.stderr.on('data', (chunk) => (stderr += chunk));
const status = (pid = child.pid) => readFileSync(`/proc/${pid}/status`, 'utf8');
// It is born with the filters of the process that starts it
const filters = (pid) => Number(/^Seccomp_filters:\s*(\d+)/m.exec(status(pid))?.[1]);
while (filters(child.pid) <= filters(process.pid)) await sleep(20);
const field = (name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status())?.[1];
const seen = { uid: field('Uid'), capabilities: field('CapEff'), noNewPrivs: field('NoNewPrivs') };
child.kill('SIGUSR2');
while (!stderr.includes('\n') && child.exitCode === null && child.signalCode === null) await sleep(20);
child.kill('SIGKILL');
rmSync(dir, { recursive: true, force: true });
const said = stderr.split('\n').find((line) => line.startsWith('{'));
console.log(JSON.stringify({ ...seen, said: said === undefined ? stderr : JSON.parse(said) }));
