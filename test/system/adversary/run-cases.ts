import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Attack, Fabric, Provider } from './attack.js';
import { writeCase } from './case-files.js';
import { hostScript } from './host-script.js';
import { type Judged, noResult } from './outcome.js';
import { scenarioOf, stepName } from './scenario.js';
import { heardOf } from './tools/heard.mjs';

export const cli = fileURLToPath(new URL('../../../dist/cli.cjs', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function ended(argv: readonly string[], cwd: string): Promise<Ended> {
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** A private host: namespaces that end with their first process. */
export const cage = [
  'unshare',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--propagation',
  'private',
] as const;

interface Step {
  readonly name: string;
  readonly verdict: string | null;
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
}

/** The steps of a result; `why`: the reason why there is none. */
interface Left {
  readonly steps: readonly Step[];
  readonly why: string | null;
}

function leftBy(evidence: string, { status, stderr }: Ended): Left {
  const file = join(evidence, 'result.json');
  if (existsSync(file)) {
    const { steps = [] }: { readonly steps?: readonly Step[] } = JSON.parse(readFileSync(file, 'utf8'));
    return { steps, why: null };
  }
  const lines = stderr.trim().split('\n').slice(-2).join(' ');
  return {
    steps: [],
    why: status === 69 ? `this kernel has no such fabric: not supported: ${lines}` : `${noResult}: ${lines}`,
  };
}

/** `ADVERSARY_TRACE=auto`: runs follow probes by the kernel's trace as well. */
const traceMode = process.env['ADVERSARY_TRACE'];
const further = traceMode === undefined ? [] : ['--trace', traceMode];

/** The run that judged a case. */
interface Run {
  readonly provider: Provider;
  readonly evidence: string;
  readonly left: Left;
}

function judgedOf(attack: Attack, folder: string, { provider, evidence, left }: Run, at: number): Judged {
  const refusal = join(folder, 'refused');
  const step = left.steps.find(({ name }) => name === stepName(at));
  const log = join(folder, 'heard');
  return {
    attack,
    provider,
    verdict: step?.verdict ?? null,
    reasons: (step?.reasons ?? []).map(({ code }) => code),
    heard: existsSync(log) && existsSync(join(evidence, 'run.json')) ? heardOf(log, evidence, stepName(at)) : {},
    refused: left.why ?? (existsSync(refusal) ? readFileSync(refusal, 'utf8').trim().replaceAll('\n', ', ') : null),
    folder,
  };
}

/** Runs cases of one fabric in one lab, one after the other; each is undone. `folder` gets their files. */
export async function runInLab(fabric: Fabric, attacks: readonly Attack[], folder: string): Promise<readonly Judged[]> {
  const cases = attacks.map((attack, at) => ({ attack, ...writeCase(attack, join(folder, `case-${at}`)) }));
  const scenario = join(folder, 'scenario.yml');
  const evidence = join(folder, 'evidence');
  writeFileSync(scenario, scenarioOf(fabric, 'lab', cases));
  const argv = [process.execPath, cli, 'run', scenario, '--allow-run', '--quiet', ...further, '--out', evidence];
  writeFileSync(join(folder, 'reproduce.sh'), reproduction(argv, evidence));
  const left = leftBy(evidence, await ended(argv, folder));
  return attacks.map((attack, at) =>
    judgedOf(attack, join(folder, `case-${at}`), { provider: 'lab', evidence, left }, at),
  );
}

/** One case on a host of its own. */
export async function runOnHost(attack: Attack, folder: string): Promise<Judged> {
  const place = join(folder, 'case-0');
  mkdirSync(place, { recursive: true });
  const files = writeCase(attack, place);
  const evidence = join(folder, 'evidence');
  writeFileSync(join(folder, 'scenario.yml'), scenarioOf(attack.fabric, 'host', [{ attack, ...files }]));
  const words = [
    process.execPath,
    cli,
    'run',
    join(folder, 'scenario.yml'),
    '--yes',
    '--quiet',
    ...further,
    '--out',
    evidence,
  ];
  const script = join(folder, 'host.sh');
  const refusal = join(place, 'refused');
  writeFileSync(
    script,
    hostScript(attack.fabric, folder, [
      `sh ${files.does} >/dev/null`,
      // what cannot be built here may have left no host to run on
      `[ -e ${quoted(refusal)} ] || ${words.map(quoted).join(' ')}`,
      `sh ${files.undoes} >/dev/null`,
    ]),
  );
  const argv = [...cage, 'sh', script];
  writeFileSync(join(folder, 'reproduce.sh'), reproduction(argv, evidence));
  const end = await ended(argv, folder);
  const left = existsSync(refusal) ? { steps: [], why: null } : leftBy(evidence, end);
  return judgedOf(attack, place, { provider: 'host', evidence, left }, 0);
}

export const quoted = (word: string): string =>
  /^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A script that repeats the cases and prints what each victim heard. */
function reproduction(argv: readonly string[], evidence: string): string {
  const heard = fileURLToPath(new URL('tools/heard.mjs', import.meta.url));
  return [
    '#!/bin/sh',
    '# Builds it, attacks it, runs the program, and says what the ears heard, for each case. Root; leaves nothing running.',
    `rm -rf ${quoted(evidence)}`,
    'cd "$(dirname "$0")" || exit',
    'rm -f case-*/heard* case-*/refused',
    argv.map(quoted).join(' '),
    'for at in case-*; do',
    `  echo "$(sed -n 2p "$at/do.sh"): $(node ${quoted(heard)} "$at/heard" ${quoted(evidence)} "case \${at#case-}")"`,
    'done',
    '',
  ].join('\n');
}
