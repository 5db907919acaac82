import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareManagers } from '../../../scripts/managers.mjs';
import { ownEntry, execute, setBridge, setPort, setSysctl, setEntry } from '../../../src/core/bridge/changes.js';
import { persistentFixes } from '../../../src/core/fix/persistent.js';
import type { Change } from '../../../src/core/model/fabric.js';
import type { ConfigurationManager, PersistentFix } from '../../../src/core/model/fix.js';
import { runThrowAway } from '../../support/lab/throw-away.js';
import { netplan } from '../../support/managers/netplan.js';
import { file, needs, program, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const { folder = '', skip } = prepareManagers();
const dir = scratchFolder('lasting');

const networkd = '/usr/lib/systemd/systemd-networkd';

function only(fix: readonly Change[], manager: ConfigurationManager): PersistentFix {
  const found = persistentFixes(fix, [manager]);
  expect(found).toHaveLength(1);
  const [persistentFix] = found;
  if (persistentFix === undefined) throw new Error('nothing found');
  return persistentFix;
}

function put(path: string, text: string): string {
  const file = join(dir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text}\n`, { mode: 0o700 });
  return file;
}

/** `KEY VALUE` of a bridge or a port, as the kernel has them after the script. */
async function settingsAfter(script: string, device: string): Promise<string> {
  const { status, stdout, stderr } = await runThrowAway(
    `${script}\nip -d link show dev ${device} | tr '\\n' ' '; bridge -d link show dev ${device} | tr '\\n' ' '; bridge fdb show brport ${device}`,
  );
  expect(status, stderr).toBe(0);
  return stdout;
}

/** br0, and on it a port that stands for a guest's tap or a NIC. */
const oneGuest = (
  port: string,
  mac = '02:00:00:00:00:aa',
): string => `ip link add br0 type bridge forward_delay 0; ip link set br0 up
  ip link add ${port} address ${mac} type veth peer name inside; ip link set inside up; ip link set ${port} master br0 up`;

const guest: ConfigurationManager = {
  by: 'libvirt',
  device: 'vnet7',
  keeps: 'guest',
  guest: "a'b",
  mac: '52:54:00:85:20:d1',
  network: null,
  bridge: 'br0',
};

describe('libvirt takes its forms', () => {
  const schemas = [program('virt-xml-validate'), file('/usr/share/libvirt/schemas/domain.rng')];

  it(
    "isolated and the filter of sources are valid in a guest's interface, and libvirt keeps them",
    needs(...schemas),
    () => {
      const forms = [[setPort('vnet7', 'isolated', true)], [setPort('vnet7', 'locked', true)]].map(
        (fix) => only(fix, guest).form,
      );
      const domain = readFileSync(new URL('../../support/recorded/libvirt-test-domain.xml', import.meta.url), 'utf8')
        .replace(" id='1'", '')
        .replace("<source network='default'/>", `<source network='default'/>${forms.join('')}`);
      const file = put('domain.xml', domain);
      execFileSync('virt-xml-validate', [file, 'domain'], { stdio: 'pipe' });
      const kept = execFileSync('virsh', ['-q', '-c', 'test:///default', `define ${file}; dumpxml --inactive test`], {
        encoding: 'utf8',
      });
      for (const form of forms) expect(kept).toContain(form);
    },
  );

  it(
    'a network that manages the table of a bridge that is there is valid, and libvirt starts it',
    needs(...schemas),
    () => {
      const file = put('network.xml', only([setPort('vnet7', 'flood', false)], guest).form);
      execFileSync('virt-xml-validate', [file, 'network'], { stdio: 'pipe' });
      const kept = execFileSync(
        'virsh',
        [
          '-q',
          '-c',
          'test:///default',
          `net-define ${file}; net-autostart br0-table; net-start br0-table; net-dumpxml br0-table`,
        ],
        { encoding: 'utf8' },
      );
      expect(kept).toContain("<bridge name='br0' macTableManager='libvirt'/>");
    },
  );

  it("a hook sets the port of its guest, found by its MAC, and no other guest's", async () => {
    const file = put(
      'hook',
      only([setPort('vnet7', 'bcast_flood', false), setPort('vnet7', 'multicast_router', 0)], guest).form,
    );
    const at = oneGuest('vnet3', 'fe:54:00:85:20:d1');
    expect(await settingsAfter(`${at}; sh ${file} "a'b" started begin -`, 'vnet3')).toMatch(
      /bcast_flood off .*mcast_router 0/,
    );
    const otherForm = await settingsAfter(
      `${at}; sh ${file} other started begin -; sh ${file} "a'b" stopped end -`,
      'vnet3',
    );
    expect(otherForm).toContain('bcast_flood on');
    expect(otherForm).toContain('mcast_router 1');
  });
});

it('Proxmox VE: its hookscript sets the port after the start', async () => {
  const nic: ConfigurationManager = {
    by: 'Proxmox VE',
    device: 'tap100i0',
    program: 'qm',
    id: 100,
    nic: 'net0',
    value: 'virtio=02:00:00:00:00:01,bridge=vmbr0',
    bridge: 'vmbr0',
    isVnet: false,
  };
  const file = put('isolation-100.sh', only([setPort('tap100i0', 'isolated', true)], nic).form);
  expect(await settingsAfter(`${oneGuest('tap100i0')}; sh ${file} 100 pre-start`, 'tap100i0')).toContain(
    'isolated off',
  );
  expect(await settingsAfter(`${oneGuest('tap100i0')}; sh ${file} 100 post-start`, 'tap100i0')).toContain(
    'isolated on',
  );
});

describe('netplan and networkd', needs(skip ?? null), () => {
  const base =
    'network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    eno1: {}\n  bridges:\n    br7:\n      interfaces: [eno1]\n      parameters: { ageing-time: 0, stp: true }\n';

  it('netplan reads its form after the files that are there, and hands the setting on', () => {
    put('etc/netplan/01.yaml', base);
    put(
      'etc/netplan/90-isolation.yaml',
      only([setBridge('br7', 'ageing_time', 30_000), setBridge('br7', 'stp_state', 0)], netplan('br7', 'bridges')).form,
    );
    execFileSync(join(folder, 'usr/libexec/netplan/generate'), ['--root-dir', dir], {
      env: { LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu') },
      stdio: 'pipe',
    });
    expect(readFileSync(join(dir, 'run/systemd/network/10-netplan-br7.netdev'), 'utf8')).toMatch(
      /AgeingTimeSec=300\nSTP=false/,
    );
    writeFileSync(
      join(dir, 'etc/netplan/90-isolation.yaml'),
      `${only([setPort('eno1', 'learning', false)], netplan('eno1', 'ethernets')).form}\n`,
    );
    execFileSync(join(folder, 'usr/libexec/netplan/generate'), ['--root-dir', dir], {
      env: { LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu') },
      stdio: 'pipe',
    });
    expect(readFileSync(join(dir, 'run/systemd/network/10-netplan-eno1.network'), 'utf8')).toContain('Learning=false');
  });

  it("netplan hands the properties of NetworkManager on to the profile that it writes, and nothing that is networkd's", () => {
    const profile = (device: string): string =>
      readFileSync(join(dir, `nm/run/NetworkManager/system-connections/netplan-${device}.nmconnection`), 'utf8');
    const keep = (device: string, kind: string): ConfigurationManager => netplan(device, kind, 'NetworkManager');
    const generate = (...forms: readonly string[]): void => {
      put('nm/etc/netplan/01.yaml', base.replace('networkd', 'NetworkManager'));
      put('nm/etc/netplan/90-isolation.yaml', forms.join('\n'));
      execFileSync(join(folder, 'usr/libexec/netplan/generate'), ['--root-dir', join(dir, 'nm')], {
        env: { LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu') },
        stdio: 'pipe',
      });
    };
    generate(
      only(
        [
          setBridge('br7', 'vlan_filtering', 1),
          setBridge('br7', 'ageing_time', 30_000),
          setBridge('br7', 'mcast_querier', 1),
          setBridge('br7', 'stp_state', 0),
        ],
        keep('br7', 'bridges'),
      ).form,
    );
    expect(profile('br7')).toMatch(
      /ageing-time=300\nstp=false\n(#.*\n)?vlan-filtering=true\n(#.*\n)?multicast-querier=true/,
    );
    generate(only([setPort('eno1', 'hairpin', true)], keep('eno1', 'ethernets')).form);
    expect(profile('eno1')).toContain('hairpin-mode=true');
    expect(only([setPort('eno1', 'learning', false)], keep('eno1', 'ethernets')).where).toBe(
      '/etc/NetworkManager/dispatcher.d/50-isolation-eno1',
    );
  });

  it('networkd takes the additions, and the kernel has what the fix wants', needs(root, file(networkd)), async () => {
    const port = only(
      [
        setPort('eno1', 'flood', false),
        setPort('eno1', 'mcast_flood', false),
        setPort('eno1', 'isolated', true),
        setPort('eno1', 'guard', true),
        setPort('eno1', 'root_block', true),
        setPort('eno1', 'multicast_router', 0),
      ],
      netplan('eno1', 'ethernets'),
    );
    const bridge = only(
      [
        setBridge('br7', 'mcast_querier', 1),
        setBridge('br7', 'fdb_max_learned', 100),
        setBridge('br7', 'group_fwd_mask', '8'),
      ],
      netplan('br7', 'bridges'),
    );
    const persistentFix = only([ownEntry('00:0c:29:aa:bb:cc', 'br7')], netplan('br7', 'bridges'));
    const files: readonly (readonly [string, string])[] = [
      ['10-netplan-br7.netdev', '[NetDev]\nName=br7\nKind=bridge'],
      ['10-netplan-br7.network', '[Match]\nName=br7\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes'],
      ['10-netplan-eno1.network', '[Match]\nName=eno1\n[Network]\nBridge=br7\nLinkLocalAddressing=no'],
      ...[port, bridge, persistentFix].map(
        ({ where, form }) => [where.replace('/etc/systemd/network/', ''), form] as const,
      ),
    ];
    for (const [name, text] of files) put(`networkd/${name}`, text);
    // With /sys read only networkd does not wait for udev.
    const script = `mount -t tmpfs tmpfs /run; mount -o remount,ro /sys
      mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/dbus; cp -r ${dir}/networkd /run/systemd/network; chmod -R a+rX /run/systemd/network
      ! id systemd-network > /dev/null 2>&1 || chown -R systemd-network /run/systemd/netif
      ip link add eno1 type veth peer name inside; ip link set inside up
      ${networkd} > /dev/null 2>&1 & daemon=$!
      for i in $(seq 100); do bridge fdb show br br7 2> /dev/null | grep -q 00:0c:29:aa:bb:cc && bridge -d link show dev eno1 | grep -q 'isolated on' && break; sleep 0.1; done
      kill $daemon`;
    const onPort = await settingsAfter(script, 'eno1');
    for (const reported of [
      'isolated on',
      'flood off',
      'mcast_flood off',
      'guard on',
      'root_block on',
      'mcast_router 0',
    ])
      expect(onPort).toContain(reported);
    const onBridge = await settingsAfter(`${script}\nbridge fdb show br br7`, 'br7');
    for (const reported of [
      'mcast_querier 1',
      'fdb_max_learned 100',
      'group_fwd_mask 0x8',
      '00:0c:29:aa:bb:cc dev br7 master br7 permanent',
    ])
      expect(onBridge).toContain(reported);
  });
});

it(
  'ifupdown2 takes its form, and the kernel has what the fix wants',
  needs(skip ?? null, root, file('/usr/bin/python3')),
  async () => {
    const keep = (device: string): ConfigurationManager => ({
      by: 'ifupdown2',
      device,
      file: '/etc/network/interfaces',
      bridge: 'br7',
    });
    const forms = [
      only([setBridge('br7', 'ageing_time', 12_000), setBridge('br7', 'mcast_querier', 1)], keep('br7')),
      only(
        [
          setPort('eno1', 'flood', false),
          setPort('eno1', 'mcast_flood', false),
          setPort('eno1', 'bcast_flood', false),
          setPort('eno1', 'isolated', true),
          setPort('eno1', 'multicast_router', 0),
        ],
        keep('eno1'),
      ),
      only([setEntry('52:54:00:85:20:d1', 'eno1', true)], keep('eno1')),
    ].map(({ form }) => form);
    const file = put('interfaces', ['auto br7', 'iface br7', '    bridge-ports eno1', ...forms].join('\n'));
    // ifupdown2 looks for its parts where its package puts them.
    const script = `mount -t overlay overlay -o lowerdir=${folder}/usr:/usr /usr; mount -t overlay overlay -o lowerdir=${folder}/etc:/etc /etc; mount -t tmpfs tmpfs /run; mkdir /run/network
    ip link add eno1 type veth peer name inside; ip link set inside up
    cp /usr/share/ifupdown2/__main__.py /run/ifup; PYTHONPATH=/usr/share/ifupdown2 /usr/bin/python3 /run/ifup -a -i ${file} >&2`;
    const port = await settingsAfter(script, 'eno1');
    for (const reported of [
      'isolated on',
      'flood off',
      'mcast_flood off',
      'bcast_flood off',
      'mcast_router 0',
      '52:54:00:85:20:d1 sticky master br7 static',
    ])
      expect(port).toContain(reported);
    const bridge = await settingsAfter(script, 'br7');
    for (const reported of ['ageing_time 12000', 'mcast_querier 1']) expect(bridge).toContain(reported);
  },
);

it('nft and sysctl read what their files are to hold', async () => {
  const rules =
    persistentFixes(
      [
        execute('nft', 'add', 'table', 'bridge', 'guard'),
        execute('nft', 'add chain bridge guard ingress { type filter hook prerouting priority -300; }'),
        execute(
          'nft',
          'add',
          'rule',
          'bridge',
          'guard',
          'ingress',
          'iifname',
          'vnet0',
          'ether',
          'daddr',
          '01:80:c2:00:00:00',
          'drop',
        ),
      ],
      [],
    )[0]?.form ?? '';
  const sysctl = persistentFixes([setSysctl('net.ipv4.ip_forward', '0')], [])[0]?.form ?? '';
  const { status, stdout, stderr } = await runThrowAway(
    `nft -f ${put('rules.nft', rules)}; nft list ruleset; echo 1 > /proc/sys/net/ipv4/ip_forward; sysctl -p ${put('90-isolation.conf', sysctl)} > /dev/null; cat /proc/sys/net/ipv4/ip_forward`,
  );
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(/iifname "vnet0" ether daddr 01:80:c2:00:00:00 drop[\s\S]*\n0\n$/);
});
