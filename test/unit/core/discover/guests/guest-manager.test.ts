import { describe, expect, it } from 'vitest';
import { guestManagers } from '../../../../../src/core/discover/guests.js';
import { containerGuests } from '../../../../../src/core/discover/guests/containers.js';
import { libvirtGuests } from '../../../../../src/core/discover/guests/libvirt.js';
import type { GuestQuery } from '../../../../../src/core/discover/guests/guest-manager.js';
import type { Manager } from '../../../../../src/core/model/host-config.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { parseLinks } from '../../../../../src/system/state/parse-links.js';

const missing = new VerifyError('program-missing', 69, 'it is not there', 'install it');
const uuid = 'fd676d99-1d15-4690-b69e-02d71947d1c5';
const container = (digit: string): string => digit.repeat(64);

/** What a manager asks where programs print these texts by the beginning of their command; any other is missing. */
async function queriesOf(
  by: Manager,
  prints: Readonly<Record<string, string>>,
  links: readonly string[] = [],
): Promise<readonly GuestQuery[]> {
  const state = parseLinks(
    links.map((ifname, at) => ({ ifindex: at + 1, ifname })),
    () => null,
  );
  const ask = async (argv: readonly string[]): Promise<string> => {
    const text = Object.entries(prints).find(([command]) => argv.join(' ').startsWith(command))?.[1];
    if (text === undefined) throw missing;
    return text;
  };
  return (await guestManagers[by]?.queries(ask, state)) ?? [];
}
const commandsOf = async (...words: Parameters<typeof queriesOf>): Promise<readonly string[]> =>
  (await queriesOf(...words)).map(({ argv }) => argv.join(' '));

describe('a manager of guests is asked', () => {
  it('for domains by their UUIDs', async () => {
    expect(await commandsOf('libvirt', { 'virsh -r -q list --uuid': `${uuid}\n\n` })).toEqual([
      `virsh -r -q dumpxml ${uuid}`,
    ]);
  });

  it('for networks into which libvirt lets no other: isolated, and with NAT', async () => {
    const [one, two, three, four] = ['1', '2', '3', '4'].map((digit) => uuid.replace(/^./, digit));
    const network = (bridge: string, forward: string): string =>
      `<network><name>${bridge}-net</name>${forward}<bridge name='${bridge}'/></network>`;
    const prints = {
      'virsh -r -q list': uuid,
      'virsh -r -q net-list': [one, two, three, four].join('\n'),
      [`virsh -r -q net-dumpxml ${one}`]: network('virbr0', "<forward mode='nat'/>"),
      [`virsh -r -q net-dumpxml ${two}`]: network('virbr1', ''),
      [`virsh -r -q net-dumpxml ${three}`]: network('virbr2', "<forward mode='route'/>"),
      [`virsh -r -q net-dumpxml ${four}`]: network('virbr3', "<forward mode='open'/>"),
    };
    const [query] = await queriesOf('libvirt', prints);
    expect(query?.about).toEqual({ apart: 'virbr0 virbr1' });
    const domain = ['virbr1', 'virbr2'].map(
      (bridge) => `<interface type='network'><source network='x' bridge='${bridge}'/></interface>`,
    );
    const guests = libvirtGuests(
      `<domain><name>web</name><devices>${domain.join('')}</devices></domain>`,
      query?.about?.['apart'],
    );
    expect(guests.map(({ isApart }) => isApart)).toEqual([true, undefined]);
  });

  it.each(['docker', 'podman'] as const)('for containers of %s, a hundred with one command', async (by) => {
    const ids = Array.from({ length: 101 }, (_, at) => container((at % 10).toString()));
    const commands = await commandsOf(by, { [`${by} ps`]: ids.join('\n'), 'podman network ls': 'podman map[]\n' });
    expect(commands.map((command) => command.split(' ').length)).toEqual([102, 3]);
    expect(commands[1]).toBe(`${by} inspect ${container('0')}`);
  });

  it('for networks that Podman keeps apart, with its containers', async () => {
    const networks = 'podman map[]\na map[isolate:true]\nb map[isolate:strict mtu:1400]\nc map[isolate:false]\n';
    const [query] = await queriesOf('podman', { 'podman ps': container('1'), 'podman network ls': networks });
    expect(query?.about).toEqual({ apart: 'a b' });
    const inspected = (network: string): unknown => ({
      Name: 'web',
      State: { Running: true },
      NetworkSettings: { Networks: { [network]: { MacAddress: '02:00:00:00:00:01' } } },
    });
    const apart = containerGuests('podman', ['a', 'c'].map(inspected), query?.about?.['apart']);
    expect(apart.map(({ isApart }) => isApart)).toEqual([true, undefined]);
  });

  it('for the containers of each namespace of containerd that run, but Docker’s', async () => {
    const prints = {
      'ctr namespaces list': 'default\nmoby\n',
      'ctr --namespace default tasks list': 'TASK    PID    STATUS\nk1      812    RUNNING\nk2      0      STOPPED\n',
      'ctr --namespace moby': 'TASK PID STATUS\nd1 7 RUNNING\n',
    };
    expect(await queriesOf('containerd', prints)).toEqual([
      {
        argv: ['ctr', '--namespace', 'default', 'containers', 'info', 'k1'],
        about: { space: 'default', pid: '812' },
      },
    ]);
  });

  it('for pods that are ready', async () => {
    expect(await commandsOf('cri', { 'crictl pods --state ready': 'ab12\n' })).toEqual([
      'crictl inspectp --output json ab12',
    ]);
  });

  it('for machines of systemd-nspawn, and of no other service', async () => {
    const list = 'deb container systemd-nspawn debian 13 -\nqemu-1-x vm libvirt-qemu - - -\n';
    expect(await commandsOf('nspawn', { 'machinectl list': list })).toEqual([
      'machinectl show --property=Name,Leader,Service deb',
    ]);
  });

  it('for guests of Proxmox VE whose interfaces are there, once each, also where its cluster says nothing', async () => {
    const queries = await queriesOf('proxmox', {}, ['tap100i0', 'tap100i1', 'veth101i0', 'fwbr100i0']);
    expect(queries.map(({ argv }) => argv.join(' '))).toEqual(['qm config 100', 'pct config 101']);
    expect(queries[0]?.about).toEqual({ id: '100', program: 'qm', resources: '', vnets: '' });
    expect(await queriesOf('proxmox', {}, ['vnet0'])).toEqual([]);
  });

  it('for links where a namespace has a name, and for nothing where none has', async () => {
    expect(await commandsOf('namespace', { 'ip -j netns list': '[{"name":"blue","id":0}]' })).toEqual([
      'ip -j -d link show',
    ]);
    expect(await commandsOf('namespace', { 'ip -j netns list': '[ ]\n' })).toEqual([]);
  });

  it.each([
    ['libvirt', 'virsh'],
    ['docker', 'docker ps'],
    ['podman', 'podman ps'],
    ['containerd', 'ctr namespaces'],
    ['cri', 'crictl pods'],
  ] as const)('%s never with words that it printed where ids are due', async (by, command) => {
    await expect(queriesOf(by, { [command]: `${uuid}\n--connect=evil://x\n` })).rejects.toThrow(
      /printed something that is no list of ids/,
    );
  });

  it('nothing where its program is not installed', async () => {
    await expect(queriesOf('libvirt', {})).rejects.toBe(missing);
  });
});
