import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import type { Result } from '../../../src/core/model/result.js';
import { wordsOf } from './throw-away.js';
import { descendants } from './processes.js';
import { fresh, startProgram, untilReported } from './program.js';

/** A lab in the middle of its run. */
export interface Lab {
  readonly helper: (role: string) => number;
  /** Runs a command in the lab's network namespace, as a line or word by word. */
  readonly inside: (...argv: readonly string[]) => void;
  /** Runs a command in that namespace of the lab that has this interface, where it has one of several hosts. */
  readonly insideWith: (device: string, ...argv: readonly string[]) => void;
}

/** Which scenario is disturbed, how, and at which text of its timeline. */
export interface Disturbance {
  readonly file: string;
  readonly when: string;
  readonly act: (lab: Lab) => void;
  readonly args?: readonly string[];
}

/** Runs the scenario and lets `act` disturb it in the middle. */
export async function disturbed({
  file,
  when,
  act,
  args = [],
}: Disturbance): Promise<{ readonly status: number | null; readonly result: Result }> {
  const dir = fresh('evidence');
  const { child, ended } = startProgram(['run', file, '--out', dir, '--json', '--quiet', ...args]);
  await untilReported(dir, when);
  const processes = descendants(child.pid ?? 0);
  const find = (what: RegExp): number => {
    const found = processes.find(({ command }) => what.test(command));
    if (found === undefined) throw new Error(`no process fits ${what}: ${JSON.stringify(processes)}`);
    return found.pid;
  };
  const helper = (role: string): number => find(new RegExp(`^\\S*node \\S*helper\\.cjs ${role} `));
  const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
  const orchestrator = String(find(/^\S*node \S*cli\.cjs run /));
  const enter = (net: string, argv: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync('nsenter', ['--target', orchestrator, ...user, net, '--', ...wordsOf(argv)], { encoding: 'utf8' });
  const mustWork = (net: string, argv: readonly string[]): void => {
    const { status, stderr } = enter(net, argv);
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${String(stderr)}`);
  };
  act({
    helper,
    inside: (...argv) => mustWork('--net', argv),
    insideWith: (device, ...argv) => {
      const held = readdirSync(`/proc/${orchestrator}/fd`)
        .map((fd) => `/proc/${orchestrator}/fd/${fd}`)
        .filter((path) => readlinkSync(path).startsWith('net:['));
      const space = held
        .map((path) => `--net=${path}`)
        .find((net) => enter(net, ['ip', 'link', 'show', 'dev', device]).status === 0);
      if (space === undefined) throw new Error(`no namespace of the lab has ${device}`);
      mustWork(space, argv);
    },
  });
  const { status, stdout } = await ended;
  return { status, result: JSON.parse(stdout) as Result };
}
