// @module-tag all
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { guests } from '../../support/lab/throw-away-host.js';
import { needs, program, root } from '../../support/needs.js';
import { type Running, type Strike, type StruckHost, strikes } from './struck-host.js';

const runs = Number(process.env['SOAK_RUNS'] ?? 20);
const minutes = Number(process.env['SOAK_MINUTES'] ?? 2.5);
const seed = Number(process.env['SOAK_SEED'] ?? Math.floor(Math.random() * 1e6));
const late = ['checking', 'undoing', 'judging'] as const;

/** Ports are put on a new bridge, which is then told what it has to know: it floods between. */
function recreate(host: StruckHost): void {
  const ports = Object.values(guests).flatMap(({ port, mac }) => [
    `ip link set dev ${port} master br0`,
    `bridge fdb replace ${mac} dev ${port} master dynamic`,
  ]);
  const lines = [
    'ip link del dev br0',
    'ip link add dev br0 type bridge forward_delay 0 ageing_time 1000000',
    'ip link set dev br0 up',
    ...ports,
  ];
  host.run(['sh', '-ec', lines.join('\n')]);
}

/** Any process of the run, for a while. A helper or the judge may stay as it is: then the run has to end it. */
async function stop({ child, helpers, random }: Running): Promise<void> {
  const started = helpers();
  const chosen = random.pick([{ pid: child.pid ?? 0, command: '' }, ...started]);
  const isLeft = /\/(helper|confined)\.cjs /.test(chosen.command) && random.below(4) === 0;
  signal(chosen.pid, 'SIGSTOP');
  await sleep(100 + random.below(1500));
  if (!isLeft) signal(chosen.pid, 'SIGCONT');
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended meanwhile
  }
}

const kinds: readonly Strike[] = [
  {
    name: 'SIGKILL',
    act: ({ child }) => void child.kill('SIGKILL'),
    holdsIn: ['starting', 'preparing', 'probing', ...late],
    isKill: true,
  },
  {
    name: 'a guest’s port goes',
    act: ({ host }) => host.stop('kali3'),
    mend: (host) => {
      host.come('kali3', []);
      host.relearn();
    },
    holdsIn: late,
  },
  {
    // a new bridge knows no MAC, and its ports flood
    name: 'the bridge is made again',
    act: ({ host }) => recreate(host),
    holdsIn: ['starting', ...late],
    opens: true,
  },
  { name: 'SIGSTOP', act: stop, holdsIn: ['starting', 'preparing', 'probing', ...late] },
];

describe('a run on a host that is struck at random moments', needs(root, program('nft')), () => {
  it.each(kinds)('$name: leaves nothing, and no verdict is wrong', { timeout: 3_600_000 }, async (strike) => {
    const text = await strikes(strike, { count: runs, seed, maxMs: minutes * 60_000 });
    process.stderr.write(`${text}\n`);
    expect(text).toContain(strike.name);
  });
});
