// @module-tag all
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { type Cage, startCage } from '../../support/managers/cage.js';
import { answerOf, type FoundGuest, guestOf } from '../../support/managers/on-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const { folder = '', skip = null } = prepareGuestManagers();

/** Guests by network: containers of libvirt's own, whose ports it makes as it makes those of machines. */
const domains = [
  { name: 'n1', network: 'default', ip: '192.168.122.11', port: '' },
  { name: 'n2', network: 'default', ip: '192.168.122.12', port: '' },
  { name: 'n3', network: 'default', ip: '192.168.122.13', port: '' },
  { name: 's1', network: 'secret', ip: '192.168.123.11', port: "<port isolated='yes'/>" },
  { name: 's2', network: 'secret', ip: '192.168.123.12', port: "<port isolated='yes'/>" },
];

const network = (name: string, bridge: string, prefix: string, forward: string): string =>
  `<network><name>${name}</name>${forward}<bridge name='${bridge}' stp='off' delay='0'/><ip address='${prefix}.1' netmask='255.255.255.0'/></network>`;

const domain = ({ name, network, ip, port }: (typeof domains)[number]): string =>
  `<domain type='lxc'><name>${name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>exe</type><init>/bin/sh</init>
<initarg>-c</initarg><initarg>ip address add ${ip}/24 dev eth0; ip link set eth0 up; exec sleep 9999</initarg></os>
<devices><filesystem type='mount'><source dir='/run/guest'/><target dir='/'/></filesystem>
<interface type='network'><source network='${network}'/>${port}</interface><console type='pty'/></devices></domain>`;

describe('libvirt, started here', needs(root, skip), () => {
  let cage: Cage;
  const guests: Record<string, FoundGuest> = {};
  beforeAll(async () => {
    cage = await startCage(folder, /^machine$/, { VIRSH_DEFAULT_CONNECT_URI: 'lxc:///system' });
    cage.run(`for user in libvirt-dnsmasq:64055 libvirt-qemu:64056 kvm:64057; do
  echo "\${user%:*}:x:\${user#*:}:\${user#*:}::/:/bin/false" >>/etc/passwd; echo "\${user%:*}:x:\${user#*:}:" >>/etc/group
done
printf 'auth_unix_rw = "none"\\nunix_sock_dir = "/run/libvirt"\\nhost_uuid = "7a1f1f6e-0000-4000-8000-000000000001"\\n' >/etc/libvirt/libvirtd.conf
printf 'security_driver = "none"\\n' >/etc/libvirt/qemu.conf
mkdir -p /run/libvirt`);
    cage.start('libvirtd', 'libvirtd');
    await cage.until('virsh list', 'libvirtd');
    const files = [
      ['default', network('default', 'virbr0', '192.168.122', "<forward mode='nat'/>")],
      ['secret', network('secret', 'virbr1', '192.168.123', '')],
      ...domains.map((each) => [each.name, domain(each)]),
    ];
    for (const [name, xml] of files) cage.run(`cat >/run/${name}.xml <<'END'\n${xml}\nEND`);
    cage.run(`for name in default secret; do virsh net-create /run/$name.xml; done
for name in ${domains.map(({ name }) => name).join(' ')}; do virsh create /run/$name.xml; done`);
    for (const { name, ip } of domains) {
      // the first process of a container is a child of the one that libvirt starts for it
      const pid = cage.run(`cat /proc/$(cat /run/libvirt/lxc/${name}.pid)/task/*/children`).trim();
      const enter = `nsenter --target ${pid} --net`;
      await cage.until(`${enter} ping -c 1 -w 2 ${ip.replace(/\d+$/, '1')}`, 'libvirtd');
      guests[name] = guestOf(cage, pid);
    }
  }, patient(300_000));
  afterAll(() => cage?.end());

  it('init names the guests behind its ports', async () => {
    const { stdout, stderr, status } = await cage.cli(['init', '--bridge', 'virbr0']);
    expect(status, stderr).toBe(0);
    for (const name of ['n1', 'n2', 'n3'])
      expect(stdout).toContain(
        `    ${name}:\n      # named by libvirt\n      bridge: virbr0\n      port: ${guests[name]?.port}\n`,
      );
  });

  it('its NAT network, and an isolated one with isolated ports', async () => {
    const { n1, n2, s1, s2 } = guests;
    if (n1 === undefined || n2 === undefined || s1 === undefined || s2 === undefined) throw new Error('no guests');
    const { answer, expected, stderr } = await answerOf(cage, 'libvirt-networks', { n1, n2, s1, s2 });
    expect(answer, stderr).toEqual(expected);
  });
});
