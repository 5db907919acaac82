import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const cli = join(import.meta.dirname, '../../../dist/cli.cjs');
const scratch = mkdtempSync(join(tmpdir(), 'cli-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const call = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });

function scenario(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

const topology = `version: 1
name: t
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    a: { bridge: br0, port: p0 }
    b: { bridge: br0, port: p1 }
    c: { bridge: br0, port: p2 }
`;
const private_ = scenario(
  'private.yml',
  `${topology}steps: [ { name: s, probe: [ { class: known-unicast, from: a, to: b } ], expect: private } ]\n`,
);

describe('command line', () => {
  it.each([
    [[]],
    [['bogus']],
    [['run', private_, '--nope']],
    [['run', private_, '--engine', 'pf_ring']],
    [['run', private_, '--reporter', 'nonsense']],
    [['plan']],
    [['export', scratch]],
  ])('exits 64 for %j, with a way on', (args) => {
    const { status, stdout, stderr } = call(...args);
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toMatch(/^verify-isolation: .+\n {2}.+/);
  });

  it('examines this host with run and no file; where there is none, it says what else to type', () => {
    const { status, stdout, stderr } = call('run');
    // 69: no root, or no guest; 64: guests, and nobody at the terminal
    expect([stdout, [64, 69].includes(status ?? 0)]).toEqual(['', true]);
    expect(stderr).toMatch(/verify-isolation (demo|run --yes)/);
  });

  it('shows its help where no command is given', () => {
    expect(call().stderr).toMatch(/Try:\n {2}verify-isolation demo [^]*Understand:/);
  });

  it('names the faults of all files at once, before anything runs', () => {
    const bad = scenario('bad.yml', `${topology}steps: [ { name: s, prob: [] } ]\n`);
    const { status, stderr } = call('run', private_, bad, join(scratch, 'missing.yml'), scratch);
    expect(status).toBe(64);
    expect(stderr).toMatch(/bad\.yml:\d+:\d+: /);
    expect(stderr).toContain('missing.yml:1:1:');
    expect(stderr).toContain('not a file');
  });

  it('refuses a scenario of 2 MiB without reading it', () => {
    const { status, stderr } = call('plan', scenario('big.yml', `# ${'x'.repeat(2 * 1024 * 1024)}\n`));
    expect(status).toBe(64);
    expect(stderr).toContain('at most 1 MiB');
  });

  it('refuses programs that are not on the list unless --allow-run is given', () => {
    const foreign = scenario(
      'foreign.yml',
      `${topology}steps: [ { name: s, run: [ "curl x" ], probe: [ { class: known-unicast, from: a, to: b } ], expect: private } ]\n`,
    );
    const { status, stderr } = call('run', foreign);
    expect(status).toBe(64);
    expect(stderr).toContain('curl');
  });

  it('plans without rights: claims, frames in hex, who must and may see', () => {
    const { status, stdout } = call('plan', private_);
    expect(status).toBe(0);
    expect(stdout).toContain('a sends 100 frames of known-unicast (raw, 60 octets) to b');
    expect(stdout).toMatch(/c must not/);
    expect(stdout).toMatch(/0000 {2}02 76 69/);
  });

  it('demo refuses to deafen who is not there, and says who is', () => {
    const { status, stderr } = call('demo', '--deafen', 'nobody');
    expect(status).toBe(64);
    expect(stderr).toContain('kali2, kali3, lan');
  });

  it('prints the same plan for the same file', () => {
    expect(call('plan', private_, '--json').stdout).toBe(call('plan', private_, '--json').stdout);
  });
});
