import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const cli = join(import.meta.dirname, '../../dist/cli.cjs');

/** Runs the built program to its end. */
export function call(...args: readonly string[]) {
  return spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

interface Checks {
  readonly whole: boolean;
  readonly verdict: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean | null; readonly text: string }[];
}

/** `check` of a folder: its exit status, what it said, and the names of its checks by outcome. */
export function check(dir: string, ...more: readonly string[]) {
  const { status, stdout } = call('check', dir, '--json', ...more);
  const reported = JSON.parse(stdout) as Checks;
  const by = (ok: boolean | null): readonly string[] =>
    reported.checks.filter((check) => check.ok === ok).map(({ name }) => name);
  return { status, told: reported, ok: by(true), wrong: by(false), none: by(null) };
}
