import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { readTracedKernel } from '../../../../src/system/capture/trace/trace.js';
import { type Missing, root } from '../../needs.js';
import { kernel } from '../features.js';
import { guests, outcomeOf, throwAwayHost, type ThrowAwayHost } from '../throw-away-host.js';

const traced = readTracedKernel();
/** Taken by tests of hosts that a run traces. */
export const tracing: readonly Missing[] = [
  root,
  typeof traced === 'string' ? traced : null,
  kernel("nft's family netdev"),
];

const holdProgram = fileURLToPath(new URL('../../../lab/state/hold-program.py', import.meta.url));

/** A step that kali2 sends. `more`: keys behind the expectation. */
export const traceStep = (probe: string, more = ''): string =>
  `  - { name: private, probe: { ${probe}, from: kali2, count: 40 }, expect: private${more} }\n`;

/** Carries commands out by a shell. */
export type Shell = (...commands: readonly string[]) => void;

/** Between commands of which the last ones are carried out anyway. */
export async function beside<T>(
  shell: Shell,
  make: readonly string[],
  end: readonly string[],
  act: () => Promise<T>,
): Promise<T> {
  try {
    shell(...make);
    return await act();
  } finally {
    shell('set +e', ...end, 'true');
  }
}

/** Beside a program behind nsenter, once that has printed. */
export async function besideProgram<T>(words: readonly string[], act: () => Promise<T>): Promise<T> {
  const program = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => program.once('close', resolve));
  try {
    await new Promise((resolve, reject) => {
      program.stdout.once('data', resolve);
      program.once('close', reject);
    });
    return await act();
  } finally {
    program.kill('SIGKILL');
    await ended;
  }
}

/** Words for nsenter: hold-program.py in a host's namespace. */
export const holdingWords = ({ netns }: ThrowAwayHost, ...words: readonly string[]): readonly string[] => [
  `--net=${netns}`,
  '/usr/bin/python3',
  holdProgram,
  ...words,
];

/** A command in a namespace, LAN, KALI3, SPARE or BETWEEN. */
export const inside = (name: string, ...commands: readonly string[]): string =>
  `nsenter --net=${name} sh -ec '${commands.join('; ')}'`;

/** kali3's second device x1, behind x0. */
export const secondDevice: readonly string[] = [
  'ip link add x0 type veth peer name x1 netns KALI3',
  'ip link set x0 up',
  inside('KALI3', 'ip link set x1 up'),
];

/**
 * A host whose guests are isolated, with a bridge `sw` beyond its uplink, and a namespace that is no guest's (BETWEEN).
 */
export class TraceHost {
  readonly host = throwAwayHost();
  private readonly children: ReturnType<ThrowAwayHost['start']>[] = [];
  private readonly spaces = new Map<string, string>();

  constructor() {
    for (const name of ['lan', 'kali3', 'spare'] as const) this.live(name.toUpperCase(), name, 'sleep 3600');
    this.live('BETWEEN', 'spare', 'unshare --net sleep 3600');
    this.shell(
      'for port in vnet0 vnet4 spare; do bridge link set dev $port isolated on; done',
      inside('LAN', 'ip link add sw type bridge forward_delay 0 mcast_snooping 0', 'ip link set sw up'),
    );
  }

  /** The path of a namespace by its name. */
  space(name: string): string {
    return this.spaces.get(name) ?? '';
  }

  /** Names of namespaces stand for their paths. */
  readonly shell: Shell = (...commands) => {
    const text = commands.join('\n').replaceAll(/\b(LAN|KALI3|SPARE|BETWEEN)\b/g, (name) => this.space(name));
    this.host.run(['sh', '-ec', text]);
  };

  beside<T>(make: readonly string[], end: readonly string[], act: () => Promise<T>): Promise<T> {
    return beside(this.shell, make, end, act);
  }

  /**
   * A traced run's answer. A rule of kali3's own counts frames that come in at its `device` and `match`: at least
   * `least`. `more`: lines of further endpoints.
   */
  async run(
    name: string,
    device: string,
    steps: string,
    { more = '', match = `ether saddr ${guests.kali2.mac}`, least = 40 } = {},
  ): Promise<Pick<Result, 'verdict'>> {
    const { mac, ip } = guests.spare;
    const file = this.host.scenario(name, {
      steps,
      more: `    spare: { bridge: br0, port: spare, mac: "${mac}", ip: ${ip}/24 }\n${more}`,
    });
    this.shell(
      `nsenter --net=KALI3 nft 'add table netdev ear; add chain netdev ear c { type filter hook ingress device "${device}" priority 0; }; add rule netdev ear c ${match} counter'`,
    );
    const args = ['run', file, '--yes', '--json', '--trace', 'auto', '--out', join(this.host.dir, name)];
    const { stdout, stderr } = await outcomeOf(this.host.cli(args));
    const ear = this.host.run(['nsenter', `--net=${this.space('KALI3')}`, 'nft', 'list', 'table', 'netdev', 'ear']);
    this.shell('nsenter --net=KALI3 nft delete table netdev ear');
    if (stdout === '') throw new Error(stderr);
    expect(Number(/packets (\d+)/.exec(ear)?.[1])).toBeGreaterThanOrEqual(least);
    const { verdict }: Result = JSON.parse(stdout);
    return { verdict };
  }

  close(): void {
    for (const child of this.children) child.kill();
    this.host.close();
  }

  private live(name: string, guest: Parameters<ThrowAwayHost['start']>[0], command: string): void {
    const child = this.host.start(guest, command);
    this.children.push(child);
    this.spaces.set(name, `/proc/${child.pid ?? 0}/ns/net`);
  }
}
