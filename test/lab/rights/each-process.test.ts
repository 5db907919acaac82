import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { procNames, procText } from '../../../src/system/kernel/proc-files.js';
import { descendants } from '../../support/lab/processes.js';
import { cli, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, readable, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { patient } from '../../support/patient.js';

/** Of linux/capability.h. */
const names: Readonly<Record<number, string>> = {
  0: 'chown',
  1: 'dac_override',
  2: 'dac_read_search',
  3: 'fowner',
  6: 'setgid',
  7: 'setuid',
  8: 'setpcap',
  10: 'net_bind_service',
  12: 'net_admin',
  13: 'net_raw',
  18: 'sys_chroot',
  19: 'sys_ptrace',
  21: 'sys_admin',
  34: 'syslog',
  39: 'bpf',
};
const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];

/** What all threads of a process together have in any of their sets; null = it has ended. */
function held(pid: number, of: readonly string[] = sets): readonly string[] | null {
  const statuses = procNames(`/proc/${pid}/task`)
    .map((thread) => procText(`/proc/${pid}/task/${thread}/status`))
    .filter((status) => status.includes('CapEff'));
  if (statuses.length === 0) return null;
  const mask = statuses
    .flatMap((status) => of.map((set) => BigInt(`0x${new RegExp(`^${set}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '0'}`)))
    .reduce((sum, set) => sum | set, 0n);
  return Array.from({ length: 64 }, (_, at) => at)
    .filter((at) => ((mask >> BigInt(at)) & 1n) === 1n)
    .map((at) => names[at] ?? String(at))
    .sort();
}

/** Whether every thread has it. */
const cannotGain = (pid: number): boolean =>
  procNames(`/proc/${pid}/task`).every((thread) =>
    /^NoNewPrivs:\s*1$/m.test(procText(`/proc/${pid}/task/${thread}/status`)),
  );

/** Resolves with the first value that is not null; rejects where the program ends before there is one. */
async function until<T>(child: ChildProcess, read: () => T | null): Promise<T> {
  for (;;) {
    const found = read();
    if (found !== null) return found;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended before that');
    await sleep(20);
  }
}

/** Filters of a process; it is born with those of the process that starts it. */
const filtersOf = (pid: number): number =>
  Number(/^Seccomp_filters:\s*(\d+)$/m.exec(procText(`/proc/${pid}/status`))?.[1] ?? 0);

/** The process that judges, once it has shut itself in. */
const judgeOf = (child: ChildProcess): Promise<number> =>
  until(child, () => {
    const judge = descendants(child.pid ?? 0).find(({ command }) => /confined\.cjs judge/.test(command));
    return judge !== undefined && filtersOf(judge.pid) > filtersOf(child.pid ?? 0) ? judge.pid : null;
  });

const run = [
  ...['bpf', 'dac_read_search', 'net_admin', 'net_raw', 'setgid', 'setpcap', 'setuid', 'sys_admin', 'sys_chroot'],
  'sys_ptrace',
  'syslog',
];
const callers = {
  root: { through: [], uid: 0, more: [] },
  // To write below the caller's folders, and to hand evidence and report over.
  sudo: {
    through: ['env', 'SUDO_UID=4321', 'SUDO_GID=4321'],
    uid: 4321,
    more: ['chown', 'dac_override', 'fowner'],
  },
} as const;
const steps = `  - { name: first, probe: { class: known-unicast, from: kali2, to: lan, count: 20 }, expect: private }
  - { name: last, probe: { class: known-unicast, from: kali2, to: lan, count: 40, rate: 20 }, expect: private }
`;

describe('the processes of a run', needs(root, readable), () => {
  const host = shared(throwAwayHost);

  const ofHost = async (caller: 'root' | 'sudo'): Promise<void> => {
    const { through, uid, more } = callers[caller];
    const home = join(host.dir, caller);
    mkdirSync(home);
    chownSync(home, uid, uid);
    const [out, report] = [join(home, 'evidence'), join(home, 'report.json')];
    const words = ['run', host.scenario('fewer', { steps }), '--yes', '--out', out, '--reporter', `json=${report}`];
    const child = host.cli(words, true, through);
    const outcome = outcomeOf(child);
    const pid = child.pid ?? 0;
    const judge = await judgeOf(child).catch(async (error: unknown) => {
      throw new Error((await outcome).stderr, { cause: error });
    });
    process.kill(judge, 'SIGSTOP'); // the run waits for it
    expect(held(pid)).toEqual([...run, ...more].sort());
    expect(cannotGain(pid)).toBe(true);
    expect(held(judge, ['CapPrm', 'CapEff', 'CapInh', 'CapAmb'])).toEqual(['sys_chroot']);
    expect(procText(`/proc/${judge}/status`)).toMatch(/^Seccomp:\s*2$/m);
    process.kill(judge, 'SIGCONT');
    const { status, stderr } = await outcome;
    expect([status, stderr]).toEqual([0, expect.stringContaining('left behind on br0: nothing (checked)')]);
    for (const written of [report, out, join(out, 'result.json'), join(out, 'report.html')])
      expect([written, lstatSync(written).uid]).toEqual([written, uid]);
  };
  it(
    'on a host, of root, have the capabilities of a run, and none where captures are read',
    { tags: 'all', timeout: patient(300_000) },
    () => ofHost('root'),
  );
  it(
    'on a host, of sudo, have the capabilities of a run, and none where captures are read',
    { tags: 'all', timeout: patient(300_000) },
    () => ofHost('sudo'),
  );

  const ofLab = async (caller: 'root' | 'sudo'): Promise<void> => {
    const { through, more } = callers[caller];
    const file = join(host.dir, 'lab.yml');
    writeFileSync(file, lab);
    const words = [...through, process.execPath, cli, 'run', file, '--json', '--out', join(host.dir, `lab-${caller}`)];
    const child = spawn('env', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const outcome = outcomeOf(child);
    const lines = (pid: number): string => procText(`/proc/${pid}/status`);
    const processes = (pattern: RegExp): readonly number[] =>
      descendants(child.pid ?? 0).flatMap(({ pid }) => (pattern.test(lines(pid)) ? [pid] : []));
    const inside = await until(child, () => processes(/^Name:\tnode$[^]*^NSpid:.*\s1$/m)[0] ?? null);
    const whole = [...run, ...more, 'net_bind_service'].sort();
    expect([held(inside), cannotGain(inside)]).toEqual([whole, true]);
    const seen = new Set<string>();
    while (child.exitCode === null) {
      for (const pid of processes(/^NSpid:\t\d+\t/m)) for (const name of held(pid) ?? []) seen.add(name);
      await sleep(20);
    }
    expect([...seen].sort()).toEqual(whole);
    const { status, stdout } = await outcome;
    expect([status, JSON.parse(stdout).verdict]).toEqual([0, 'holds']);
  };
  it(
    'in a lab of root have the capabilities of a run at most, from the beginning to the end',
    { timeout: patient(300_000) },
    () => ofLab('root'),
  );
  it(
    'in a lab of sudo have the capabilities of a run at most, from the beginning to the end',
    { tags: 'all', timeout: patient(300_000) },
    () => ofLab('sudo'),
  );
});

const lab = `version: 1
name: lab
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    a: { bridge: br0, port: vnet0 }
    b: { bridge: br0, port: vnet1 }
    c: { bridge: br0, port: vnet2 }
steps:
  - { name: one, learn: [a, b], probe: { class: known-unicast, from: a, to: b, count: 20 } }
`;
