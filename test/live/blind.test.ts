import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/model/result.js';
import { descendants } from './processes.js';
import { fresh, startProgram, threeOn, untilEvent } from './program.js';
import { patient } from '../patient.js';

// 400 frames (two carriers) at 200 a second: time enough to take a sense away while probes are on their way.
const slow = threeOn('{ ageing_time: 30s }', '  - { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 200, rate: 200 } ], expect: private }');

interface Lab {
  readonly helper: (role: string) => number;
  /** Runs a command in the lab's network namespace. */
  readonly inside: (...argv: readonly string[]) => void;
}

/** Runs the scenario and lets `act` disturb it while it is probing. */
async function disturbed(act: (lab: Lab) => void): Promise<{ readonly status: number | null; readonly result: Result }> {
  const dir = fresh('evidence');
  const { child, ended } = startProgram(['run', slow, '--out', dir, '--json', '--quiet']);
  await untilEvent(dir, 'probing');
  const all = descendants(child.pid ?? 0);
  const find = (what: RegExp): number => {
    const found = all.find(({ command }) => what.test(command));
    if (found === undefined) throw new Error(`no process fits ${what}: ${JSON.stringify(all)}`);
    return found.pid;
  };
  const helper = (role: string): number => find(new RegExp(`^\\S*node \\S*helper\\.js ${role} `));
  const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
  act({
    helper,
    inside: (...argv) => {
      const { status, stderr } = spawnSync('nsenter', ['--target', String(find(/^\S*node \S*cli\.js run /)), ...user, '--net', '--', ...argv], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    },
  });
  const { status, stdout } = await ended;
  return { status, result: JSON.parse(stdout) as Result };
}

describe('a run that loses a sense', () => {
  it.concurrent.each<readonly [string, (lab: Lab) => void, string]>([
    ['its capture helper killed', ({ helper }) => process.kill(helper('capture'), 'SIGKILL'), 'helper-died'],
    ['its capture helper stopped', ({ helper }) => process.kill(helper('capture'), 'SIGSTOP'), 'helper-silent'],
    ['its send helper killed', ({ helper }) => process.kill(helper('send'), 'SIGKILL'), 'probes-not-sent'],
    ["a bystander's port down", ({ inside }) => inside('ip', 'link', 'set', 'dev', 'p2', 'down'), 'interface-down'],
    ["the sender's port down", ({ inside }) => inside('ip', 'link', 'set', 'dev', 'p0', 'down'), 'interface-down'],
    ["a bystander's port deleted", ({ inside }) => inside('ip', 'link', 'del', 'dev', 'p2'), 'interface-gone'],
    ["a bystander's port down and up again", ({ inside }) => { inside('ip', 'link', 'set', 'dev', 'p2', 'down'); inside('ip', 'link', 'set', 'dev', 'p2', 'up'); }, 'interface-down'],
    ["a bystander's flood switched off", ({ inside }) => inside('ip', 'link', 'set', 'dev', 'p2', 'type', 'bridge_slave', 'flood', 'off'), 'settings-changed'],
  ])('%s: is inconclusive with exit 3, never holds', async (_, act, reason) => {
    const { status, result } = await disturbed(act);
    expect({ status, verdict: result.verdict }).toEqual({ status: 3, verdict: 'inconclusive' });
    expect(result.steps[0]?.reasons.map(({ code }) => code)).toContain(reason);
  }, patient(60_000));

  it.concurrent('undisturbed: holds', async () => {
    expect(await disturbed(() => undefined)).toMatchObject({ status: 0, result: { verdict: 'holds' } });
  }, patient(60_000));
});
