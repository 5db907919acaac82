import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const cli = join(import.meta.dirname, '../../../dist/cli.cjs');
const scratch = scratchFolder('plan-connects');
const mark = join(scratch, 'started');
const bin = join(scratch, 'bin');
beforeAll(() => {
  mkdirSync(bin);
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\necho "$@" >> ${mark}\nexit 255\n`);
  chmodSync(join(bin, 'ssh'), 0o755);
});
beforeEach(() => rmSync(mark, { force: true }));

/** A scenario whose bridge is on another host. */
function scenario(host: string): string {
  const path = join(scratch, 'hosts.yml');
  writeFileSync(
    path,
    `version: 1
name: elsewhere
topology:
  provider: host
  hosts: { hv2: ${host} }
  bridges: { br0: {} }
  endpoints:
    a: { bridge: br0, host: hv2, port: va, mac: "52:54:00:00:00:01" }
    b: { bridge: br0, host: hv2, port: vb, mac: "52:54:00:00:00:02" }
steps: [ { name: s, probe: [ { class: known-unicast, from: a, to: b } ], expect: private } ]
`,
  );
  return path;
}

/** With an ssh that writes down what it was asked. */
function call(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
  });
  return { status, stdout, stderr, asked: existsSync(mark) ? readFileSync(mark, 'utf8') : null };
}

describe('a plan of a scenario with hosts', () => {
  it('connects to nobody, and says to whom it would, as whom, and what would be started there', () => {
    const { status, stdout, asked } = call('plan', scenario('{ ssh: root@hv2.example }'));
    expect({ status, asked }).toEqual({ status: 0, asked: null });
    expect(stdout).toContain('hv2: ssh root@hv2.example, starts verify-isolation helper');
  });

  it('says so as JSON too, and gives no hash of what it does not know', () => {
    const file = scenario('{ ssh: root@hv2 }');
    expect(JSON.parse(call('plan', file, '--json').stdout)).toMatchObject({
      connects: [{ name: 'hv2', ssh: 'root@hv2', command: ['verify-isolation'] }],
    });
    expect(call('plan', file, '--hash')).toMatchObject({
      status: 64,
      asked: null,
      stderr: expect.stringContaining('--connect') as string,
    });
  });

  it('connects with --connect', () => {
    const { status, asked } = call('plan', scenario('{ ssh: root@hv2 }'), '--connect');
    expect({ status, asked }).toEqual({
      status: 69,
      asked: '-T -o BatchMode=yes -- root@hv2 verify-isolation helper\n',
    });
  });

  it.each([
    ['plan', '--connect'],
    ['run', '--yes'],
  ])('%s starts no other program there unless --allow-run is given', (...words) => {
    const [command, option] = words;
    const file = scenario('{ ssh: root@hv2, command: [sh, -c, "touch /tmp/x; cat"] }');
    const { status, stderr, asked } = call(command ?? '', file, option ?? '');
    expect({ status, asked }).toEqual({ status: 64, asked: null });
    expect(stderr).toContain(`topology.hosts.hv2.command: sh '-c' 'touch /tmp/x; cat' would be started on root@hv2`);
  });

  it('a run, and a dry run, asks first, and nobody is at the terminal', needs(root), () => {
    const file = scenario('{ ssh: root@hv2 }');
    for (const words of [[], ['--dry-run']])
      expect(call('run', file, '--out', join(scratch, 'out'), ...words)).toMatchObject({
        status: 64,
        asked: null,
        stderr: expect.stringMatching(/Connects to\nhv2: ssh root@hv2, .*\n(.*\n)*.*nobody was connected to/) as string,
      });
  });

  it('starts another program where --allow-run says so', () => {
    const { asked } = call('plan', scenario('{ ssh: hv2, command: [sh, -x] }'), '--connect', '--allow-run');
    expect(asked).toContain('hv2 sh -x helper');
  });
});
