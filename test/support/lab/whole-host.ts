import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from '../../../src/core/model/result.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { type Command, wordsOf } from './throw-away.js';
import { withOwnJournals } from './own-journals.js';
import { cli, type Outcome, outcomeOf } from './throw-away-host.js';

/** A host with many guests on br0, in namespaces without names. Guest n is behind vN. */
export interface WholeHost {
  /** Lines for a shell in the host's namespace, and in `dir`. */
  sh(script: string): void;
  /** Starts a program in the namespace of guest n. */
  start(n: number, command: Command): ChildProcess;
  /** The program under test. */
  run(args: Command): Promise<Outcome>;
  /** Its command `run`, with a scenario among the words or without, in a folder of that name: what came of it. */
  judge(name: string, ...words: readonly string[]): Promise<JudgedHost>;
  readonly dir: string;
  close(): void;
}

/** What a run of a host came to. */
export interface JudgedHost {
  readonly status: number | null;
  /** All that it printed, and its reasons: for the message of a test that fails. */
  readonly text: string;
  readonly result: Result;
}

/** MAC of guest n. */
export const macOfGuest = (n: number): string => `52:54:00:00:00:${n.toString(16).padStart(2, '0')}`;
/** Address of guest n; the host is 10.9.0.254. */
export const addressOfGuest = (n: number): string => `10.9.0.${n}`;

/** `nic`: a port that leads out of the machine, as far as the program can tell, with a gateway behind it. */
export function wholeHost(guests: number, { nic = false }: { readonly nic?: boolean } = {}): WholeHost {
  const host = newNamespace(disableIpv6);
  const spaces = Array.from({ length: guests + (nic ? 1 : 0) }, () => newNamespace(disableIpv6));
  const dir = mkdtempSync(join(tmpdir(), 'whole-host-'));
  const ownJournals = withOwnJournals(join(dir, 'journal'));
  const sh = (script: string, fd = host): void =>
    void inNamespaceFd(fd, () => execFileSync('sh', ['-ec', script], { cwd: dir, stdio: 'pipe' }));
  const numbers = Array.from({ length: guests }, (_, at) => at + 1);
  const lines = [
    'link add br0 type bridge forward_delay 0',
    'link set br0 up',
    'address add 10.9.0.254/24 dev br0',
    ...numbers.flatMap((n) => [
      `link add v${n} type veth peer name eth0 address ${macOfGuest(n)} netns /proc/${process.pid}/fd/${spaces[n - 1]}`,
      `link set v${n} master br0 up`,
    ]),
    // A port more may change the MAC of the bridge, and then its neighbours are forgotten
    ...numbers.map((n) => `neigh add ${addressOfGuest(n)} lladdr ${macOfGuest(n)} dev br0 nud permanent`),
  ];
  inNamespaceFd(host, () => execFileSync('ip', ['-batch', '-'], { input: lines.join('\n'), stdio: 'pipe' }));
  for (const n of numbers) sh(`ip address add ${addressOfGuest(n)}/24 dev eth0; ip link set eth0 up`, spaces[n - 1]);
  if (nic) {
    // A bond is a kind of link that leads out; the switch beyond it is a namespace
    const beyond = spaces[guests] ?? host;
    sh(
      `ip link add nic type bond; ip link add w0 type veth peer name w1 netns /proc/${process.pid}/fd/${beyond}; ip link set w0 master nic; ip link set w0 up; ip link set nic up; ip link set nic master br0`,
    );
    sh('ip link set w1 address 00:11:22:33:44:55; ip link set w1 up', beyond);
    sh('ip neigh add 10.9.0.253 lladdr 00:11:22:33:44:55 dev br0 nud permanent');
  }
  const known = [
    ...numbers.map((n) => `fdb add ${macOfGuest(n)} dev v${n} master dynamic`),
    ...(nic ? ['fdb add 00:11:22:33:44:55 dev nic master dynamic'] : []),
  ];
  // Refused until the ports forward, which the kernel comes to a moment after the carrier
  sh(
    `until bridge -batch - <<'END' 2>/dev/null\n${known.join('\n').replaceAll('fdb add', 'fdb replace')}\nEND\ndo sleep 0.05; done`,
  );
  const run = (args: Command): Promise<Outcome> => {
    const [program = '', ...words] = [...ownJournals, process.execPath, cli, ...wordsOf(args)];
    return outcomeOf(inNamespaceFd(host, () => spawn(program, words, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })));
  };
  return {
    dir,
    sh: (script) => sh(script),
    start: (n, command) => {
      const [program = '', ...words] = wordsOf(command);
      return inNamespaceFd(spaces[n - 1] ?? host, () => spawn(program, words, { stdio: 'ignore' }));
    },
    run,
    async judge(name, ...words) {
      const out = join(dir, name);
      const isWhole = !words.some((word) => word.endsWith('.yml'));
      const { status, stdout, stderr } = await run(['run', ...words, '--yes', '--out', out]);
      const path = join(out, isWhole ? 'evidence' : '', 'result.json');
      if (!existsSync(path)) throw new Error(`exit ${status} without a result: ${stdout}${stderr}`);
      const result: Result = JSON.parse(readFileSync(path, 'utf8'));
      const reasons = result.steps.flatMap((step) => step.reasons.map(({ code }) => code));
      return { status, text: `${stdout}\n${stderr}\nreasons: ${reasons.join(', ')}`, result };
    },
    close: () => {
      for (const fd of [host, ...spaces]) closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
