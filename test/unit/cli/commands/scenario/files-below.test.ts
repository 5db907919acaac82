import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../../support/scratch.js';
import { callHere } from '../../../../support/call-here.js';

const scratch = scratchFolder('files-below');
const folder = join(scratch, 'scenario');
const secret = join(scratch, 'secret');

beforeAll(() => {
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(secret, 'root:$y$SECRET:19000:0:99999:7:::\n');
  symlinkSync(secret, join(folder, 'link'));
  symlinkSync(scratch, join(folder, 'up'));
  writeFileSync(join(folder, 'rules.nft'), 'add table bridge t\n');
  symlinkSync('rules.nft', join(folder, 'own-link'));
  writeFileSync(join(folder, 'sub', 'more.nft'), 'add table bridge u\n');
  writeFileSync(join(folder, 'including.nft'), `add table bridge t\ninclude "${secret}"\n`);
  spawnSync('mkfifo', [join(folder, 'fifo')]);
});

const topology = `{ provider: lab, bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }`;
function scenario(text: string): string {
  const path = join(folder, 'scenario.yml');
  writeFileSync(path, `version: 1\nname: t\n${text}\n`);
  return path;
}
const running = (...argv: readonly string[]): string =>
  scenario(
    `topology: ${topology}\nsteps: [ { name: s, run: [ ${JSON.stringify(argv)} ], probe: [ { class: known-unicast, from: a, to: b, count: 1 } ], expect: private } ]`,
  );

describe('a scenario includes', () => {
  it.each([
    ['a file elsewhere', secret],
    ['a file above', '../secret'],
    ['a link that leads out', 'link'],
    ['a file behind a link that leads out', 'up/secret'],
    ['/etc/shadow', '/etc/shadow'],
    ['a fifo', 'fifo'],
    ['a device', '/dev/zero'],
  ])('no more than what lies below its folder, and prints nothing of %s', async (_, path) => {
    const { status, stdout, stderr } = await callHere('plan', scenario(`topology: { include: "${path}" }\nsteps: []`));
    expect(status).toBe(64);
    expect(stderr).toMatch(/cannot be included: it is not (below the folder of the scenario|a file)/);
    expect(stdout + stderr).not.toMatch(/SECRET|root:/);
  });
});

describe('commands of a scenario', () => {
  it.each([
    ['nft', '-f', secret],
    ['nft', '-f', '../secret'],
    ['nft', '-f', 'link'],
    ['nft', '-f', 'up/secret'],
    ['nft', '-f', 'sub/../../secret'],
    ['nft', '-f', '/nowhere/at/all'],
    ['nft', '-f', 'fifo'],
    ['nft', '-f', 'including.nft'],
    ['ip', 'link', 'set', 'dev', 'p0', 'xdp', 'obj', 'link'],
    ['ip', 'link', 'set', 'dev', 'p0', 'netns', '/proc/1/ns/net'],
    ['ovs-ofctl', 'add-flows', 'br0', 'link'],
    ['ovs-ofctl', 'show', 'unix:/run/openvswitch/br0.mgmt'],
    ['ovs-vsctl', 'set', 'Interface', 'p0', 'options:vhost-server-path=/run/x'],
    ['ip', '-n', 'host', 'link'],
    ['sysctl', '-w', 'kernel.hostname=x'],
  ])('reach nothing else unless --allow-run is given: %s %s %s', async (...argv) => {
    const { status, stdout, stderr } = await callHere('run', running(...argv), '--out', join(scratch, 'out'));
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toContain(`step “s”: run: ${argv.join(' ')}: `);
    expect(stderr).not.toMatch(/SECRET|root:/);
  });

  it('are listed with the files that they name, wherever these lie where --allow-run is given', async () => {
    for (const [path, words] of [
      ['rules.nft', []],
      ['sub/more.nft', []],
      ['own-link', []],
      [join(folder, 'rules.nft'), []],
      [secret, ['--allow-run']],
    ] as const)
      expect((await callHere('plan', running('nft', '-f', path), ...words)).status).toBe(0);
  });

  it.each(['topology', 'step'])('set no sysctl of the whole machine (%s)', async (where) => {
    const steps = `steps: [ { name: s, ${where === 'step' ? 'set: { sysctl: { kernel.hostname: x } }, ' : ''}probe: [ { class: known-unicast, from: a, to: b, count: 1 } ], expect: private } ]`;
    const of = where === 'topology' ? topology.replace('bridges', 'sysctl: { kernel.hostname: x }, bridges') : topology;
    const { status, stderr } = await callHere('plan', scenario(`topology: ${of}\n${steps}`));
    expect(status).toBe(64);
    expect(stderr).toMatch(/scenario\.yml:\d+:\d+: .*sysctl: "kernel\.hostname" is of the whole machine/);
  });
});
