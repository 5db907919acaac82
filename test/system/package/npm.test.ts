// @module-tag all
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../support/scratch.js';

const folder = scratchFolder('verify-isolation-npm');
const project = join(folder, 'project');

function run(
  argv: readonly string[],
  cwd = project,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { cwd, encoding: 'utf8' });
  return { status, stdout, stderr: status === 0 ? '' : stderr };
}

beforeAll(() => {
  mkdirSync(project);
  // Built already, and others run from dist meanwhile: no script of the package's own runs.
  const packed = run(['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder], process.cwd());
  writeFileSync(join(project, 'package.json'), '{ "name": "somebody", "version": "1.0.0", "type": "module" }\n');
  const [tarball = ''] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  const installed = run([
    'npm',
    'install',
    '--omit=optional',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    join(folder, tarball),
    '@koromix/koffi-linux-' + process.arch,
  ]);
  if (packed.status !== 0 || installed.status !== 0) throw new Error(packed.stderr + installed.stderr);
});

describe('the npm package in a project of somebody else’s', () => {
  it('brings the program, which runs a scenario that it brings', () => {
    const { status, stdout, stderr } = run([
      'npx',
      'verify-isolation',
      'run',
      'node_modules/verify-isolation/scenarios/hub-mode.yml',
      '--out',
      'evidence',
      '--json',
      '--quiet',
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const result: { readonly verdict: string } = JSON.parse(stdout);
    expect(result.verdict).toBe('broken');
  });

  it('is one that npm would publish', () => {
    const words = ['publish', '--dry-run', '--ignore-scripts', '--offline', '--json'];
    const { status, stdout, stderr } = run(['npm', ...words], process.cwd());
    expect([status, stderr, stdout]).toEqual([0, '', expect.stringContaining('"name": "verify-isolation"')]);
  });

  it('has what is for users: no recorded runs, no tests, no sources', () => {
    expect(readdirSync(join(project, 'node_modules/verify-isolation')).sort()).toEqual([
      'ARCHITECTURE.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'RELEASING.md',
      'SECURITY.md',
      'bench',
      'contrib',
      'dist',
      'docs',
      'package.json',
      'scenarios',
      'schema',
    ]);
  });

  it('is a library: what runs, judges again and refuses, gives results and typed errors', () => {
    writeFileSync(
      join(project, 'use.mjs'),
      `
import { audit, loadScenario, plan, replay, report, run, VerifyError } from 'verify-isolation';
const file = 'node_modules/verify-isolation/docs/examples/tenants.yml';
const scenario = await loadScenario(file, { count: 10 });
const events = [];
const onProgress = (event) => events.push(event);
const result = await run(scenario, { out: 'by-library', set: { count: 10, isolated: 'off' }, onProgress });
const planned = await plan(scenario);
const markdown = await report('by-library', 'markdown');
const audited = await audit().catch((error) => error);
const again = await replay('by-library');
const refused = await run('absent.yml', { out: 'nothing' }).catch((error) => error);
const early = AbortSignal.timeout(400);
const ended = await run('node_modules/verify-isolation/scenarios/wireshark-experiment.yml', { out: 'early', signal: early }).catch((error) => error);
console.log(JSON.stringify({ steps: scenario.steps.length, verdict: result.verdict, same: JSON.stringify(result) === JSON.stringify(again), events: new Set(events.map((event) => event.scenario)).size === 1 && events.length > 5, planned: [planned.steps.length, planned.endpoints.map((endpoint) => endpoint.name).join()], markdown: markdown.includes('BROKEN'), audited: Array.isArray(audited.findings) || audited.exitCode === 69, typed: refused instanceof VerifyError, exit: refused.exitCode, ended: ended.name }));
`,
    );
    const { status, stdout, stderr } = run(['node', 'use.mjs']);
    expect({ status, stderr, said: status === 0 ? JSON.parse(stdout) : null }).toEqual({
      status: 0,
      stderr: '',
      said: {
        steps: 2,
        verdict: 'broken',
        same: true,
        events: true,
        planned: [2, 'web,db,lan'],
        markdown: true,
        audited: true,
        typed: true,
        exit: 64,
        ended: 'TimeoutError',
      },
    });
  });

  it('has types that a strict project compiles against, in one file', () => {
    const types = join(project, 'node_modules/verify-isolation/dist/types');
    expect(readdirSync(types, { recursive: true })).toEqual(['index.d.ts']);
    writeFileSync(
      join(project, 'use.ts'),
      `
import { run, type Finding, type Result } from 'verify-isolation';
const leaks = (result: Result): readonly Finding[] => result.steps.flatMap((step) => step.findings.filter((finding) => finding.leak));
export const result: Promise<readonly Finding[]> = run('s.yml', { out: 'x', engine: 'libpcap' }).then(leaks);
// @ts-expect-error an engine that there is not
void run('s.yml', { out: 'x', engine: 'none' });
`,
    );
    const compiled = run([
      process.execPath,
      resolve('node_modules/typescript/bin/tsc'),
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      'false',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      'use.ts',
    ]);
    expect({ status: compiled.status, stdout: compiled.stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('has the JSON Schema for editors', () => {
    const schema: { readonly $schema: string } = JSON.parse(
      readFileSync(join(project, 'node_modules/verify-isolation/schema/scenario.v1.json'), 'utf8'),
    );
    expect(schema.$schema).toContain('draft-07');
  });
});
