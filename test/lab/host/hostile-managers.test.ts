import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { guests, outcomeOf, throwAwayHost, type Outcome } from '../../support/lab/throw-away-host.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

const uuid = 'fd676d99-1d15-4690-b69e-02d71947d1c5';
const laughs = `<!DOCTYPE l [<!ENTITY a "ha">${Array.from({ length: 9 }, (_, at) => `<!ENTITY ${String.fromCharCode(98 + at)} "${`&${String.fromCharCode(97 + at)};`.repeat(10)}">`).join('')}]><domain><name>&j;</name></domain>`;
const nasty = 'a\u001b[2J\u202e\n- from: x\r#"\'`$(id)';
const container = {
  Name: nasty,
  State: { Running: true },
  Config: { Labels: { 'com.docker.compose.project': nasty } },
  NetworkSettings: {
    SandboxKey: '/run/../etc/passwd',
    Networks: { n: { MacAddress: guests.kali2.mac, IPAddress: nasty } },
  },
};
const instance = {
  name: nasty,
  status: 'Running',
  project: '__proto__',
  expanded_devices: { eth0: { type: 'nic' } },
  expanded_config: { 'volatile.eth0.hwaddr': guests.kali3.mac },
  state: {
    network: {
      eth0: { hwaddr: guests.kali3.mac, host_name: 'vnet4', addresses: [{ scope: 'global', address: nasty }] },
    },
  },
};

/** What each of them prints for everything that it is asked, as shell. */
const say = (text: string): string => `cat <<'END-OF-TEXT'\n${text}\nEND-OF-TEXT`;
const cases: readonly (readonly [name: string, programs: Readonly<Record<string, string>>])[] = [
  [
    'what is no text',
    {
      virsh: 'head -c 100000 /dev/urandom',
      docker: 'head -c 100000 /dev/urandom',
      incus: 'head -c 100000 /dev/urandom',
    },
  ],
  [
    'documents that are cut off',
    {
      virsh: `case "$*" in *list*) echo ${uuid};; *) printf '<domain><name>x</name><devices><interface>';; esac`,
      docker: `case "$1" in ps) echo ${'a'.repeat(64)};; *) printf '[{"Name":"x",';; esac`,
      incus: 'printf \'[{"name": "x"\'',
    },
  ],
  [
    'types that are wrong',
    {
      virsh: `case "$*" in *list*) echo ${uuid};; *) echo '<network><name/></network>';; esac`,
      docker: `case "$1" in ps) echo ${'a'.repeat(64)};; *) ${say(JSON.stringify([null, 7, 'x', { Name: 7, State: [], NetworkSettings: 'x' }, { ...container, NetworkSettings: { Networks: [[]] } }]))};; esac`,
      incus: say(JSON.stringify({ name: [], status: {}, state: 7 })),
    },
  ],
  [
    'a billion laughs, elements a million deep',
    {
      virsh: `case "$*" in *list*) echo ${uuid}; echo ${uuid.replace('f', 'a')};; *${uuid}*) ${say(laughs)};; *) yes '<a>' | head -c 900000;; esac`,
      incus: `yes '[' | tr -d '\\n' | head -c 9000000`,
    },
  ],
  ['what has no end', { virsh: 'exec yes', docker: 'exec yes', incus: 'exec yes' }],
  ['nothing, for ever', { virsh: 'sleep 1000', docker: 'sleep 1000', incus: 'sleep 1000' }],
  [
    'names that would act',
    {
      docker: `case "$1" in ps) echo ${'a'.repeat(64)};; *) ${say(JSON.stringify([container]))};; esac`,
      incus: say(JSON.stringify([instance])),
    },
  ],
];

describe('programs that manage guests and print', needs(root), () => {
  const host = shared(throwAwayHost);
  beforeAll(() => {
    // an interface may be called as every object of JavaScript calls something
    host.run('ip link set dev spare down');
    host.run('ip link set dev spare name toString');
    host.run('ip link set dev toString up');
  });

  const init = async (name: string, programs: Readonly<Record<string, string>>): Promise<Outcome> => {
    const folder = join(host.dir, name.replaceAll(/\W/g, '-'));
    mkdirSync(folder);
    for (const [program, does] of Object.entries(programs))
      writeFileSync(join(folder, program), `#!/bin/sh\n${does}\n`, { mode: 0o755 });
    return outcomeOf(
      host.cli(['init'], true, ['prlimit', `--data=${2 ** 31}`, 'env', `PATH=${folder}:${process.env['PATH'] ?? ''}`]),
    );
  };

  const title = '%s leave a scenario of what the kernel knows';
  async function leave(name: string, programs: Readonly<Record<string, string>>): Promise<void> {
    const { status, stdout, stderr } = await init(name, programs);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^[\n\x20-\x7e…]*$/); // nothing that a terminal would act on
    const { topology, steps } = parse(stdout);
    expect(
      Object.values<{ port: string }>(topology.endpoints)
        .map(({ port }) => port)
        .sort(),
    ).toEqual(['toString', 'uplink', 'vnet0', 'vnet4']);
    expect(steps).toHaveLength(2);
    for (const program of name.startsWith('names') ? [] : ['libvirt', 'Docker', 'Incus']) {
      if (
        programs[{ libvirt: 'virsh', Docker: 'docker', Incus: 'incus' }[program] ?? ''] !== undefined &&
        !name.includes('types')
      )
        expect(stdout).toMatch(new RegExp(`# ${program}.* could not be asked for names: `));
    }
  }
  it.each(cases.slice(0, 1))(title, { timeout: patient(300_000) }, leave);
  it.each(cases.slice(1))(title, { tags: 'all', timeout: patient(300_000) }, leave);
});
