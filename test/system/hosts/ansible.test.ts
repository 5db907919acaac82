// @module-tag all
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { address, cli, sshd, hostNames, sshHosts, top } from './ssh-hosts.js';
import { outcomeOf, type Outcome } from '../../support/lab/throw-away-host.js';
import { needs, program } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

const playbook = join(top, 'contrib/ansible/verify-isolation.yml');

it('the playbook of contrib/ansible is well formed', needs(program('ansible-playbook')), () => {
  const { status, stderr } = spawnSync('ansible-playbook', ['--syntax-check', '-i', 'localhost,', playbook], {
    encoding: 'utf8',
    env: { ...process.env, ANSIBLE_LOCALHOST_WARNING: 'false' },
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
});

describe('contrib/ansible against hosts with a real sshd', needs(...sshd, program('ansible-playbook')), () => {
  const hosts = shared(sshHosts);

  function play(into: string, more: Readonly<Record<string, unknown>>, extra: string): Promise<Outcome> {
    const common = `--ssh-common-args='-F ${hosts.sshConfig}'`;
    const inventory = join(hosts.dir, 'inventory.ini');
    writeFileSync(
      inventory,
      `[hypervisors]\n${hostNames.map((host) => `${host} ansible_host=${address(host)}`).join('\n')}\n${extra}[hypervisors:vars]\nansible_user=root\nansible_python_interpreter=/usr/bin/python3\n`,
    );
    const variables = {
      verify_isolation_into: into,
      verify_isolation_here: [process.execPath, cli],
      verify_isolation_bridge: 'brA',
      verify_isolation_yes: true,
      ...more,
    };
    return outcomeOf(
      hosts.start(['sh', '-c', `exec ansible-playbook -i '${inventory}' '${playbook}' ${common} -e "$VARIABLES"`], {
        VARIABLES: JSON.stringify(variables),
        ANSIBLE_LOCAL_TEMP: join(hosts.dir, 'ansible'),
        ANSIBLE_NOCOLOR: '1',
      }),
    );
  }

  it('runs init, audit and run on each, brings the evidence back, leaves nothing there, and names a host that is not reached', async () => {
    const into = join(hosts.dir, 'evidence');
    const before = hostNames.map((host) => hosts.shape(host));
    const { status, stdout, stderr } = await play(into, {}, 'hv9 ansible_host=10.99.0.99\n');
    const text = `${stdout}\n${stderr}`;
    const lines = (pattern: RegExp): readonly string[] => [...text.matchAll(pattern)].map(([line]) => line);
    expect(lines(/ok {4}\S+hv\d\/run: WHOLE/g), text).toHaveLength(2);
    expect(lines(/HOLDS, EXPOSED .*hv[12]\/run/g), text).toHaveLength(2);
    expect(lines(/NO RESULT .*hv9\/run: there is no such folder/g), text).toHaveLength(1);
    expect(status).not.toBe(0);
    expect(stdout).not.toContain(String.raw`\u{a}`);
    expect(readFileSync(join(into, 'hv1/scenario.yml'), 'utf8')).toContain('provider: host');
    expect(hostNames.map((host) => hosts.shape(host))).toEqual(before);
    expect(hostNames.flatMap((host) => hosts.journals(host))).toEqual([]);
    rmSync(into, { recursive: true });
  });
});
