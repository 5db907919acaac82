import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reporterNames } from '../../../src/report/reporters.js';
import { scratchFolder } from '../../support/scratch.js';
import { call, cli } from '../../support/call.js';
import { callHere } from '../../support/call-here.js';

const scratch = scratchFolder('cli-test');

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
    [['bogus']],
    [['run', private_, '--nope']],
    [['run', private_, '--engine', 'pf_ring']],
    [['run', private_, '--reporter', 'nonsense']],
    [['plan']],
    [['export', scratch]],
  ])('exits 64 for %j, with a way on', async (args) => {
    const { status, stdout, stderr } = await callHere(...args);
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toMatch(/^verify-isolation: .+\n {2}.+/);
  });

  it('examines this host with run and no file; where there is none, it says what else to type', () => {
    const { status, stdout, stderr } = call('run');
    // 69: no root, or no guest; 64: guests, and nobody at the terminal
    expect([stdout, [64, 69].includes(status ?? 0)]).toEqual(['', true]);
    expect(stderr).toMatch(/verify-isolation (demo|run --(yes|netns))/);
  });

  it.each([
    ['a verdict', ['replay', 'captures/hub-mode'], 69],
    ['a report', ['report', 'captures/hub-mode', '--format', 'json'], 69],
    ['a leak stays a leak', ['diff', 'captures/switch-mode', 'captures/hub-mode'], 2],
  ])('says that stdout is full, without a stack: %s', (_what, args, expected) => {
    const full = openSync('/dev/full', 'w');
    const root = join(import.meta.dirname, '../../..');
    const { status, stderr } = spawnSync(process.execPath, [cli, ...args], {
      cwd: root,
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect([status, String(stderr)]).toEqual([
      expected,
      'verify-isolation: the output is not complete, stdout cannot be written: no space left on device\n' +
        '  make room, or send it elsewhere\n',
    ]);
  });

  it('names the faults of all files at once, before anything runs', async () => {
    const bad = scenario('bad.yml', `${topology}steps: [ { name: s, prob: [] } ]\n`);
    const { status, stderr } = await callHere('run', private_, bad, join(scratch, 'missing.yml'), scratch);
    expect(status).toBe(64);
    expect(stderr).toMatch(/bad\.yml:\d+:\d+: /);
    expect(stderr).toContain('missing.yml:1:1:');
    expect(stderr).toContain('not a file');
  });

  it('refuses a scenario of 2 MiB without reading it', async () => {
    const { status, stderr } = await callHere('plan', scenario('big.yml', `# ${'x'.repeat(2 * 1024 * 1024)}\n`));
    expect(status).toBe(64);
    expect(stderr).toContain('at most 1 MiB');
  });

  it('refuses programs that are not on the list unless --allow-run is given', async () => {
    const foreign = scenario(
      'foreign.yml',
      `${topology}steps: [ { name: s, run: [ "curl x" ], probe: [ { class: known-unicast, from: a, to: b } ], expect: private } ]\n`,
    );
    const { status, stderr } = await callHere('run', foreign);
    expect(status).toBe(64);
    expect(stderr).toContain('curl');
  });

  it('plans without rights: claims, who must and may see; frames in hex with --hex alone', async () => {
    const { status, stdout } = await callHere('plan', private_);
    expect(status).toBe(0);
    expect(stdout).toContain('a sends 100 frames of known-unicast (raw, 60 bytes) to b');
    expect(stdout).toMatch(/c must not/);
    expect(stdout).not.toMatch(/0000 {2}/);
    expect((await callHere('plan', private_, '--hex')).stdout).toMatch(/0000 {2}02 76 69/);
  });

  it('plans without saying that nobody must see it', async () => {
    const steps = `steps: [ { name: s, probe: [
      { class: arp-request, from: a, to: b, count: 1, may_see: [], must_see: [] },
      { class: broadcast, from: a, count: 1, may_see: [b], must_see: [] } ], expect: private } ]\n`;
    const { stdout } = await callHere('plan', scenario('open.yml', `${topology}${steps}`));
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toContain('arp-request (arp, 60 bytes) to b: b and c must not see it.');
    expect(text).toMatch(/broadcast \(raw, 60 bytes\): b may see it, c must not\./);
    expect(text).not.toContain('nobody');
  });

  it('plans for many guests by their count, with times in seconds', async () => {
    const mesh = readFileSync('scenarios/scale/mesh.yml', 'utf8').replace('count: 100,', 'count: 600,');
    const { stdout } = await callHere('plan', scenario('mesh.yml', mesh));
    expect(stdout).toContain('g1 to g600 (600): guests on br0, ports p1 to p600 (600)');
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'to each other, 359,400 times: the addressee must see it, nobody else may.',
    );
    expect(stdout.split('\n').length).toBeLessThan(14);
    expect((await callHere('plan', 'scenarios/switch-mode.yml')).stdout).toMatch(/ageing_time \d+ s/);
  });

  it.each([
    [['explain', 'ageing-z'], 'ageing-zero\n'],
    [['run', '--reporter', 'ju'], 'junit\n'],
    [['run', '--engine', 'lib'], 'libpcap\n'],
  ])('completes %j', async (words, completed) => {
    const { status, stdout, stderr } = await callHere('--get-yargs-completions', 'verify-isolation', ...words);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: completed, stderr: '' });
  });

  it('prints a script for fish that asks for the words as those for other shells do', async () => {
    const shell = process.env['SHELL'];
    process.env['SHELL'] = '/usr/bin/fish';
    const { stdout } = await callHere('completion').finally(() => {
      process.env['SHELL'] = shell;
    });
    expect(stdout).toBe(
      "complete -c verify-isolation -a '(verify-isolation --get-yargs-completions (commandline -opc) (commandline -ct))'\n",
    );
  });

  it('writes every report of a run that is refused, so that a pipeline reads why', async () => {
    const dir = join(scratch, 'refused');
    const file = join(dir, 'none.yml');
    const run = await callHere('run', file, '--report', join(dir, 'all'), '--reporter', 'github');
    expect([run.status, run.stdout]).toEqual([64, expect.stringContaining('::error title=no result')]);
    expect(run.stderr).toContain(`REFUSED: ${file}:1:1: no such file or directory\n`);
    const read = (name: string): string => readFileSync(join(dir, 'all', name), 'utf8');
    expect(readdirSync(join(dir, 'all'))).toHaveLength(reporterNames.length);
    expect(read('junit.xml')).toContain('errors="1"');
    expect(read('report.md')).toMatch(/^## NO RESULT: /);
    expect(JSON.parse(read('result.json'))).toMatchObject({ results: [], unended: [{ name: file }] });
  });

  it.each([
    ['report', '/nonexistent'],
    ['watch', '--baseline', '/nonexistent'],
    ['run', 'scenarios/hub-mode.yml', '--baseline', '/nonexistent'],
    ['diff', '/nonexistent', '/nonexistent'],
    ['plan', '/nonexistent'],
  ])('%s names a file that is not there as its user did, in words', async (...words) => {
    const { stderr } = await callHere(...words);
    expect(stderr).toContain('/nonexistent');
    expect(stderr).not.toMatch(/ENOENT|\/proc\/self|errno/);
  });

  it('shows its help where no command is given, and yet is no pass for a pipeline', () => {
    const { status, stdout, stderr } = call();
    expect({ status, stderr }).toEqual({ status: 64, stderr: '' });
    expect(stdout).toMatch(/^Try:\n {2}verify-isolation demo [^]*^Understand:$/m);
  });

  it('refuses the MAC of a group as who listened', async () =>
    expect(await callHere('replay', 'x.pcap', '--mac', '01:00:5e:00:00:fb')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('the MAC of a group, not of a guest'),
    }));

  it('demo refuses to deafen who is not there, and says who is', async () => {
    const { status, stderr } = await callHere('demo', '--deafen', 'nobody');
    expect(status).toBe(64);
    expect(stderr).toContain('kali2, kali3, lan');
  });

  it('prints the same plan for the same file', async () => {
    expect((await callHere('plan', private_, '--json')).stdout).toBe(
      (await callHere('plan', private_, '--json')).stdout,
    );
  });
});
