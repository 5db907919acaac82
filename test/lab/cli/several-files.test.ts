import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { procText } from '../../../src/system/kernel/proc-files.js';
import { patient } from '../../support/patient.js';
import { scratchFolder } from '../../support/scratch.js';

const folder = scratchFolder('several');

function scenario(name: string, extra: string): string {
  const file = join(folder, `${name}.yml`);
  writeFileSync(
    file,
    `version: 1
name: ${name}
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } }
steps:
  - name: private
    ${extra}
    probe: [ { class: known-unicast, from: a, to: b } ]
    expect: private
`,
  );
  return file;
}

it('scenarios of one command line share no kernel state', () => {
  const files = [
    scenario('first', 'set: { sysctl: { net.ipv4.ip_forward: 1 }, br0: { ageing_time: 20s } }'),
    scenario('second', 'learn: all'),
  ];
  const out = join(folder, 'out');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/cli.cjs', 'run', ...files, '--out', out, '--json', '--quiet'],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { results }: { results: { scenario: { name: string }; verdict: string }[] } = JSON.parse(stdout);
  expect(results.map(({ scenario: { name }, verdict }) => [name, verdict])).toEqual([
    ['first', 'holds'],
    ['second', 'holds'],
  ]);
  const forwarding = ['first', 'second'].map((name) => {
    const dir = readdirSync(out).find((entry) => entry.startsWith(name)) ?? '';
    const state: { sysctl: Record<string, string> } = JSON.parse(
      readFileSync(join(out, dir, 'state', '1-before.json'), 'utf8'),
    );
    return state.sysctl['net.ipv4.ip_forward'];
  });
  expect(forwarding).toEqual(['1', '0']);
});

it('a run that is out of time is inconclusive, keeps what it saw, and says why', () => {
  const out = join(folder, 'late');
  const late = scenario('late', 'wait: 30s');
  const { status, stderr } = spawnSync(
    process.execPath,
    ['dist/cli.cjs', 'run', late, '--out', out, '--timeout', '1s', '--quiet'],
    { encoding: 'utf8' },
  );
  expect(status).toBe(3);
  expect(stderr).toContain('stopped by --timeout 1s: 1 of 1 run begun');
  const result: { verdict: string; steps: { reasons: { code: string }[] }[] } = JSON.parse(
    readFileSync(join(out, 'result.json'), 'utf8'),
  );
  expect([result.verdict, result.steps[0]?.reasons.some(({ code }) => code === 'interrupted')]).toEqual([
    'inconclusive',
    true,
  ]);
});

it('files that make a scenario up, and its variables, stand in the result', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      'dist/cli.cjs',
      'run',
      'docs/examples/tenants.yml',
      '--set',
      'count=20',
      '--grep',
      'shout',
      '--out',
      join(folder, 'made-up'),
      '--json',
      '--quiet',
    ],
    { encoding: 'utf8' },
  );
  const result: {
    scenario: { files: { path: string }[]; variables: object; grep: string };
    steps: { verdict: string | null }[];
  } = JSON.parse(stdout);
  expect({
    status,
    files: result.scenario.files.map(({ path }) => path),
    variables: result.scenario.variables,
    grep: result.scenario.grep,
    verdicts: result.steps.map(({ verdict }) => verdict),
  }).toEqual({
    status: 0,
    files: ['docs/examples/tenants-topology.yml', 'docs/examples/tenants-steps.yml'],
    variables: { kind: 'isolated', isolated: 'on', count: 20 },
    grep: 'shout',
    verdicts: [null, 'holds'],
  });
});

it('the lab that is entered while a file is read ends with a file that is refused', async () => {
  const file = scenario('refused', 'no_such_key: 1');
  const { status, stderr } = spawnSync(process.execPath, ['dist/cli.cjs', 'run', file], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([64, expect.stringContaining('no_such_key')]);
  const remaining = (): readonly string[] =>
    readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && procText(`/proc/${pid}/cmdline`).includes(file));
  await expect.poll(remaining, { timeout: patient(3000) }).toEqual([]);
});
