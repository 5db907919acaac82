import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { reportedRun } from '../../../src/cli/commands/evidence/load-details.js';
import type { Result } from '../../../src/core/model/result.js';
import { isReporterName, reporterNames, reporters } from '../../../src/report/reporters.js';
import { fresh, type LabRun, program, writeScenario } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';

/** Names that the kernel takes for interfaces; in YAML's double quotes. */
const ports = [
  'e0',
  'e1',
  '$(id)',
  ';id;',
  '-n',
  'a',
  '<b>x',
  '\\e[31m',
  "q'x",
  '`id`',
  '\\u202e\\x7f\\x9b1m',
  '\\u2066\\u200f',
];
const names = [...'bcdefghijklm'];
const hostile = `version: 1
name: "../../etc/x <b>"
topology:
  provider: lab
  bridges: { br0: { ageing_time: 0 } }
  endpoints:
${ports.map((port, index) => `    ${names[index] ?? ''}: { bridge: br0, port: "${port}", ip: 10.0.0.${index + 1}/24 }`).join('\n')}
steps:
  - name: "\`id\` <script>| ../"
    probe: [ { class: known-unicast, from: b, to: c, count: 20 } ]
    expect: leak
`;
/** What a terminal acts on, line feeds aside. */
const acts = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069]/;

describe('interfaces and scenarios with hostile names', () => {
  let run: LabRun;
  beforeAll(async () => {
    // That others may write to it is mended before anything is in it.
    const dir = fresh('open');
    mkdirSync(dir);
    chmodSync(dir, 0o777);
    const outcome = await program(['run', writeScenario(hostile), '--out', dir, '--json', '--quiet']);
    run = { ...outcome, dir, result: JSON.parse(outcome.stdout) as Result };
  }, patient(300_000));

  it('are data: the run comes to its verdict, and every port is heard', () => {
    expect({ status: run.status, verdict: run.result.verdict, coverage: run.result.coverage }).toMatchObject({
      status: 0,
      verdict: 'broken',
      coverage: { complete: true, observed: ports.length },
    });
    expect(run.result.steps[0]?.reasons).toEqual([]);
  });

  it('make no fix that acts when it is pasted into a shell', () => {
    const fixes = [
      ...new Set(
        run.result.steps.flatMap(({ findings }) => findings.flatMap(({ causes }) => causes.map(({ fix }) => fix))),
      ),
    ];
    expect(fixes.length).toBeGreaterThan(ports.length);
    // A shell that runs functions in place of the programs: each argument in brackets, and nothing else happens.
    const { stdout } = spawnSync(
      'sh',
      [
        '-c',
        `id() { echo ID; }; for p in bridge ip; do eval "$p() { printf '[%s]' \\"\\$@\\"; echo; }"; done; ${fixes.join('; ')}`,
      ],
      { encoding: 'utf8' },
    );
    const devices = new Set([...stdout.matchAll(/\[dev\]\[([^\]]*(?:\[31m)?)\]/g)].map(([, device]) => device));
    expect(stdout).not.toContain('ID');
    for (const device of ['$(id)', ';id;', '-n', 'a', '<b>x', "q'x", '`id`']) expect(devices).toContain(device);
  });

  it.each(reporterNames.filter(isReporterName))('are escaped in the %s report', async (format) => {
    const reporter = await reporters[format]();
    const text = reporter([await reportedRun(run.dir, run.result, true)], { width: 80, color: false });
    expect(text).not.toMatch(acts);
    if (format === 'html' || format === 'junit' || format === 'markdown') expect(text).not.toMatch(/<b>|<script>/);
  });

  it('are escaped in JSON, printed or in the folder, and read as they are', () => {
    const written = readdirSync(run.dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => /json$/.test(name))
      .map((name) => [name, acts.test(readFileSync(join(run.dir, name), 'utf8'))]);
    expect(written.length).toBeGreaterThan(4);
    expect(written.filter(([, found]) => found)).toEqual([]);
    expect(run.stdout).not.toMatch(acts);
    expect(run.result.steps[0]?.observers.map((observer) => observer.interface)).toContain('\u202e\u007f\u009b1m');
  });

  it('are escaped in what Wireshark and its kin print of the capture', () => {
    const { stdout, status } = spawnSync('capinfos', [join(run.dir, 'evidence.pcapng')], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toContain('Name = $(id)');
    expect(stdout).not.toMatch(acts);
    expect(readFileSync(join(run.dir, 'evidence.pcapng')).includes('\u001b[31m')).toBe(false);
  });

  it('leave evidence that only its owner reads, 0600 in 0700, also in a folder that others could write to', () => {
    const modes = ['.', ...readdirSync(run.dir, { recursive: true, encoding: 'utf8' })].map((name) => {
      const found = statSync(join(run.dir, name));
      return `${found.isDirectory() ? 'folder' : 'file'} ${(found.mode & 0o777).toString(8)}`;
    });
    expect([...new Set(modes)].sort()).toEqual(['file 600', 'folder 700']);
  });

  it('judge again as they did', async () => {
    expect((await program(['replay', run.dir, '--json'])).stdout).toBe(
      readFileSync(join(run.dir, 'result.json'), 'utf8'),
    );
  });
});

describe('a folder for the evidence', () => {
  const file = writeScenario(hostile);

  it('that is a symbolic link is refused, and what it points to stays as it is', async () => {
    const [target, link] = [fresh('target'), fresh('link')];
    mkdirSync(target, { mode: 0o755 });
    symlinkSync(target, link);
    // lstat(2) follows it because of the slash
    const { status, stderr } = await program(['run', file, '--out', `${link}/`, '--quiet']);
    expect([status, stderr]).toEqual([64, expect.stringContaining('symbolic link')]);
    expect([readdirSync(target), statSync(target).mode & 0o777]).toEqual([[], 0o755]);
  });

  it('that is somebody else’s is refused', async () => {
    const { status, stderr } = await program(
      process.getuid?.() === 0
        ? ['run', file, '--out', '/proc/self', '--quiet']
        : ['run', file, '--out', '/root', '--quiet'],
    );
    expect(status).toBe(64);
    expect(stderr).not.toContain('fault in the tool');
  });
});
