import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const cli = join(import.meta.dirname, '../../../dist/cli.cjs');
const scratch = scratchFolder('disk-full');

/** A scenario that has to be private, on a bridge with this ageing time. */
function scenario(ageing: string): string {
  const path = join(scratch, `ageing-${ageing}.yml`);
  writeFileSync(
    path,
    `version: 1
name: disk-full
topology:
  provider: lab
  bridges: { br0: { ageing_time: ${ageing} } }
  endpoints:
    a: { bridge: br0, port: p0 }
    b: { bridge: br0, port: p1 }
    c: { bridge: br0, port: p2 }
steps: [ { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 2000, carriers: [raw] } ], expect: private } ]
`,
  );
  return path;
}

/** Runs with the evidence on a file system of that size, which only this process sees. */
function onSmallDisk(
  file: string,
  kib: number,
): {
  readonly status: number | null;
  readonly stderr: string;
  readonly verdict: string;
  readonly codes: readonly string[];
} {
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs -o size="$1"k tmpfs "$2" && exec "$3" "$4" run "$5" --out "$2/evidence" --json --quiet',
      'sh',
      String(kib),
      scratchMount(),
      process.execPath,
      cli,
      file,
    ],
    { encoding: 'utf8' },
  );
  const result: unknown = stdout === '' ? null : JSON.parse(stdout);
  if (typeof result !== 'object' || result === null || !('steps' in result) || !Array.isArray(result.steps))
    return { status, stderr, verdict: 'none', codes: [] };
  return {
    status,
    stderr,
    verdict: String('verdict' in result ? result.verdict : ''),
    codes: result.steps.flatMap((step: { reasons: { code: string }[] }) => step.reasons.map(({ code }) => code)),
  };
}

function scratchMount(): string {
  return mkdtempSync(join(scratch, 'disk-'));
}

/** Chance says which file takes the last room: a run without report.html ends with 69, and its answer stays. */
function expectEnd({ status, stderr }: { readonly status: number | null; readonly stderr: string }, due: number): void {
  if (status === 69) expect(stderr).toMatch(/report could not be written to .*report\.html/);
  else expect({ status, stderr }).toEqual({ status: due, stderr: '' });
}

describe('a disk that is full (needs root to mount a small one)', needs(root), () => {
  it.each([128, 256, 512])('of %i KiB: a leak is still told, exit 2', (kib) => {
    const { verdict, codes, ...end } = onSmallDisk(scenario('0'), kib);
    expectEnd(end, 2);
    expect(verdict).toBe('broken');
    expect(codes).toContain('evidence-incomplete');
  });

  it.each([128, 256, 512])('of %i KiB: what would hold is inconclusive, exit 3', (kib) => {
    const { verdict, codes, ...end } = onSmallDisk(scenario('30s'), kib);
    expectEnd(end, 3);
    expect(verdict).toBe('inconclusive');
    expect(codes).toContain('evidence-incomplete');
  });

  it('that takes nothing at all: refused before anything is sent, exit 69', () => {
    const { status, verdict, stderr } = onSmallDisk(scenario('0'), 4);
    expect({ status, verdict }).toEqual({ status: 69, verdict: 'none' });
    expect(stderr).toContain('cannot be written');
  });
});
