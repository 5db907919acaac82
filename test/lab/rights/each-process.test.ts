import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { procNames, procText } from '../../../src/system/kernel/proc-files.js';
import { descendants } from '../../support/lab/processes.js';
import { cli, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, readable, root } from '../../support/needs.js';
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
  12: 'net_admin',
  13: 'net_raw',
  18: 'sys_chroot',
  19: 'sys_ptrace',
  21: 'sys_admin',
  39: 'bpf',
};
const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
const isX64 = process.arch === 'x64' ? null : 'a process gives capabilities up in all threads on x86-64 alone';

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

/** The process that judges, once it has shut itself in. */
const judgeOf = (child: ChildProcess): Promise<number> =>
  until(child, () => {
    const judge = descendants(child.pid ?? 0).find(({ command }) => /confined\.cjs judge/.test(command));
    return judge !== undefined && /^Seccomp:\s*2$/m.test(procText(`/proc/${judge.pid}/status`)) ? judge.pid : null;
  });

/** What a process had, one set after the other, until it has `last`. */
async function setsUntil(child: ChildProcess, pid: number, last: string): Promise<readonly string[]> {
  const seen: string[] = [];
  await until(child, () => {
    const now = held(pid)?.join(' ') ?? null;
    if (now !== null && now !== seen.at(-1)) seen.push(now);
    return now === last ? now : null;
  });
  return seen;
}

const read = ['net_admin', 'setpcap', 'setuid', 'sys_admin', 'sys_ptrace'];
const hearing = [...read, 'dac_read_search', 'net_raw'];
const whole = [...hearing, 'bpf', 'setgid', 'sys_chroot'];
const callers = {
  root: { through: [], uid: 0, begun: [], undone: [] },
  // To write below the caller's folders, and to hand evidence and report over.
  sudo: {
    through: ['env', 'SUDO_UID=4321', 'SUDO_GID=4321'],
    uid: 4321,
    begun: ['chown', 'dac_override', 'fowner'],
    undone: ['chown', 'dac_override'],
  },
} as const;
const steps = `  - { name: first, probe: { class: known-unicast, from: kali2, to: lan, count: 20 }, expect: private }
  - { name: last, probe: { class: known-unicast, from: kali2, to: lan, count: 40, rate: 20 }, expect: private }
`;

describe('the processes of a run', needs(root, readable, isX64), () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
  });
  afterAll(() => host.close());

  it.each(['root', 'sudo'] as const)(
    'on a host, of %s, hold less and less, and nothing when what was heard is read',
    { timeout: patient(300_000) },
    async (caller) => {
      const { through, uid, begun, undone } = callers[caller];
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
      const order = [...[whole, hearing, read].map((set) => [...set, ...begun].sort().join(' ')), undone.join(' ')];
      const seen = await setsUntil(child, pid, undone.join(' '));
      // What it has for a moment only may go unseen.
      expect(seen).toEqual(order.filter((set) => seen.includes(set)));
      expect(seen).toContain(order[1]);
      expect(cannotGain(pid)).toBe(true);
      expect(held(judge, ['CapPrm', 'CapEff', 'CapInh', 'CapAmb'])).toEqual(['sys_chroot']);
      expect(procText(`/proc/${judge}/status`)).toMatch(/^Seccomp:\s*2$/m);
      process.kill(judge, 'SIGCONT');
      const { status, stderr } = await outcome;
      expect([status, stderr]).toEqual([0, expect.stringContaining('left behind on br0: nothing (checked)')]);
      for (const written of [report, out, join(out, 'result.json'), join(out, 'report.html')])
        expect([written, lstatSync(written).uid]).toEqual([written, uid]);
    },
  );

  it('in a lab hold nothing when what was heard is judged', { timeout: patient(300_000) }, async () => {
    const fifo = join(host.dir, 'full');
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const writer = openSync(fifo, constants.O_WRONLY);
    const padding = fill(reader);
    const file = join(host.dir, 'lab.yml');
    writeFileSync(file, lab);
    const words = [cli, 'run', file, '--json', '--out', join(host.dir, 'lab')];
    const child = spawn(process.execPath, words, { stdio: ['ignore', writer, 'pipe'] });
    closeSync(writer);
    const outcome = outcomeOf(child);
    let isOver = false;
    child.stderr?.on('data', (text: string) => (isOver ||= text.includes(': collating')));
    const inside = await until(child, () => {
      const isFirstInside = (pid: number): boolean =>
        procText(`/proc/${pid}/comm`) === 'node\n' && /^NSpid:.*\s1$/m.test(procText(`/proc/${pid}/status`));
      return descendants(child.pid ?? 0).find(({ pid }) => isFirstInside(pid))?.pid ?? null;
    });
    let began = false;
    await until(child, () => {
      const knewOver = isOver; // what it has is read afterwards
      const now = held(inside);
      began ||= now?.includes('net_admin') === true;
      if (knewOver) expect(now).toEqual([]);
      return began && now?.length === 0 ? now : null;
    });
    expect(cannotGain(inside)).toBe(true);
    // It has judged, and can end only now that its answer is read.
    let answer = '';
    for (; child.exitCode === null; await sleep(20)) answer += drained(reader);
    answer += drained(reader);
    closeSync(reader);
    expect([(await outcome).status, JSON.parse(answer.slice(padding)).verdict]).toEqual([0, 'holds']);
  });
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

/** Writes into a pipe until it takes no more; returns how many bytes. */
function fill(pipe: number): number {
  let bytes = 0;
  try {
    for (;;) bytes += writeSync(pipe, '#'.repeat(512));
  } catch {
    return bytes; // EAGAIN
  }
}

/** What is in a pipe now. */
function drained(pipe: number): string {
  const buffer = Buffer.alloc(65_536);
  try {
    return buffer.toString('latin1', 0, readSync(pipe, buffer));
  } catch {
    return ''; // EAGAIN
  }
}
