import { describe, expect, it } from 'vitest';
import type { AuditReport } from '../../../src/core/model/audit.js';
import { kernel, lacking } from '../../support/lab/features.js';
import { runThrowAway, threeGuests } from '../../support/lab/throw-away.js';
import { file, needs, root } from '../../support/needs.js';

async function audited(
  script: string,
  options = '',
): Promise<{ readonly status: number | null; readonly report: AuditReport }> {
  const { status, stdout, stderr } = await runThrowAway(
    `${threeGuests}\n${script}\nexec node dist/cli.cjs audit --json ${options}`,
  );
  if (stdout === '') throw new Error(stderr);
  return { status, report: JSON.parse(stdout) };
}
const highs = ({ report }: { readonly report: AuditReport }): readonly string[] =>
  report.findings.filter(({ severity }) => severity === 'high').map(({ id }) => id);

describe('audit of a bridge with 50 guests, for people', () => {
  const guests = `
    ip link add name br7 type bridge stp_state 0 ageing_time 0
    for i in $(seq 1 50); do ip link add name g$i type veth peer name e$i; ip link set dev g$i master br7; ip link set dev g$i up; ip link set dev e$i up; done
    ip link set dev br7 up`;
  const reported = (options: string) => runThrowAway(`${guests}\nexec node dist/cli.cjs audit --bridge br7 ${options}`);

  it('answers in the first line and fits 24 lines of 80 columns: one finding names all its ports', async () => {
    const { status, stdout } = await reported('');
    const lines = stdout.trimEnd().split('\n');
    expect(status).toBe(2);
    expect(lines[0]).toBe('HIGH: br7 is a hub (ageing_time 0)');
    expect(stdout).toContain('MEDIUM  unknown-flood: flood = on at g1 to g50 (50)');
    expect(lines.length).toBeLessThan(24);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('has the rest with --verbose: every fix', { tags: 'all' }, async () => {
    const { stdout } = await reported('--verbose');
    expect(stdout.match(/fix: bridge link set dev g\d+ flood off/g)).toHaveLength(50);
    expect(stdout.match(/^MEDIUM/gm)).toHaveLength(1);
  });
});

describe('audit of a live bridge', () => {
  it('finds nothing high on a bridge as it comes, and everything could be read', async () => {
    const found = await audited('');
    expect({ highs: highs(found), unread: found.report.unread, status: found.status }).toEqual({
      highs: [],
      unread: [],
      status: 0,
    });
  });

  it('finds ageing time 0 with the command that mends it', async () => {
    const found = await audited('ip link set dev br0 type bridge ageing_time 0');
    expect(found.status).toBe(2);
    expect(found.report.findings[0]).toMatchObject({
      id: 'ageing-zero',
      place: 'br0.ageing_time',
      value: '0',
      fix: 'ip link set dev br0 type bridge ageing_time 30000',
    });
  });

  it(
    'finds guests that meet on their lower device, with the command that parts them',
    needs(kernel('macvlan')),
    async () => {
      const guests =
        'ip link add d0 type veth peer name d1; for n in 0 1; do ip link add link d0 name m$n type macvlan mode bridge; done';
      const found = (await audited(guests)).report.findings.find(({ id }) => id === 'macvlan-bridge');
      expect(found).toMatchObject({ severity: 'medium', place: 'd0', value: 'm0 m1' });
      const fixed = await audited(`${guests}; ${found?.fix ?? 'exit 1'}`);
      expect(fixed.report.findings.map(({ id }) => id)).not.toContain('macvlan-bridge');
    },
  );

  it('names the relay that holds br0 promiscuous', async () => {
    const relay =
      'mkfifo /mnt/hold; ip link add name vmnet0 type veth peer name w0; ip link set dev vmnet0 up; ip link set dev w0 up';
    const script = `mount -t tmpfs tmpfs /mnt; ${relay}; node test/lab/audit/hold-relay.mjs vmnet0 < /mnt/hold > /mnt/said & exec 3> /mnt/hold; while ! grep -q relaying /mnt/said; do sleep 0.05; done`;
    const found = await audited(script);
    const promiscuous = found.report.findings.find(({ id }) => id === 'bridge-promiscuous');
    expect(promiscuous?.value).toMatch(/^promiscuity 1, flags 0x1103, held by verify-isolation relay \(\d+\)/);
    expect(found.status).toBe(2);
  });

  it('finds a sniffer that raises no promiscuity, a mirror of tc and one of nft, each with its place', async () => {
    const netdev = lacking("nft's family netdev") === null; // kernels without it cannot mirror so
    const script = `
      tcpdump -p -i vnet1 -w /dev/null 2> /dev/null &
      while ! grep -q 0003 /proc/self/net/packet; do sleep 0.05; done
      tc qdisc add dev vnet0 clsact
      tc filter add dev vnet0 ingress protocol all u32 match u32 0 0 action mirred egress mirror dev vnet2
      ${netdev ? "nft add table netdev t; nft 'add chain netdev t c { type filter hook ingress device vnet1 priority 0; }'; nft add rule netdev t c dup to vnet2" : ''}`;
    const found = await audited(script);
    const places = Object.fromEntries(
      found.report.findings
        .filter(({ severity }) => severity === 'high')
        .map(({ id, place, value }) => [id, `${place}: ${value}`]),
    );
    expect(places).toEqual({
      'sniffer-on-host': expect.stringMatching(/^packet socket on vnet1: held by tcpdump \(\d+\)$/),
      'tc-mirror': 'vnet0 ingress: mirred egress mirror to vnet2',
      ...(netdev ? { 'nft-mirror': 'netdev t c on vnet1: dup to vnet2' } : {}),
    });
  });

  // bpf(2) takes rights that a user namespace does not give, and a kernel that has it
  it('finds an XDP program', {
    ...needs(root, file('/proc/sys/kernel/unprivileged_bpf_disabled')),
    tags: 'all',
  }, async () => {
    const found = await audited(
      'mount -t bpf bpf /mnt; node test/lab/audit/pin-xdp.mjs /mnt/pass; ip link set dev vnet0 xdpgeneric pinned /mnt/pass',
    );
    expect(found.report.findings.find(({ id }) => id === 'xdp-program')).toMatchObject({
      place: 'vnet0 xdp',
      value: expect.stringMatching(/^program id \d+$/),
      severity: 'medium',
    });
  });

  it('finds a macvlan on the bridge, whose MAC no entry has', needs(kernel('macvlan')), async () => {
    expect(
      highs(await audited('ip link add name mv0 link br0 type macvlan mode bridge; ip link set dev mv0 up')),
    ).toContain('behind-bridge');
  });

  // the macvtap's device is made by number, where no udev does it; opening it takes the rights of root outside
  it('finds a macvtap on the bridge whose device two processes have open, not one', {
    ...needs(root, kernel('macvtap')),
    tags: 'all',
  }, async () => {
    const script = (readers: number) => `
      ip link add name mt0 link br0 type macvtap mode bridge; ip link set dev mt0 up
      number=$(cat /sys/class/net/mt0/tap*/dev)
      mount -t tmpfs tmpfs /mnt; mknod /mnt/net0 c \${number%:*} \${number#*:}
      for reader in $(seq ${readers}); do sleep 30 3<>/mnt/net0 & done; sleep 0.2`;
    const places = async (readers: number): Promise<readonly string[]> =>
      (await audited(script(readers))).report.findings
        .filter(({ id, value }) => id === 'bypass-possible' && value.startsWith('tap'))
        .map(({ place }) => place);
    expect(await places(2)).toEqual(['mt0']);
    expect(await places(1)).toEqual([]);
  });

  it(
    'says 69, nothing to examine, where no guest is on any bridge, unless the bridge is named',
    needs(kernel('VXLAN')),
    async () => {
      const nobody = `
      ip link add name br0 type bridge
      ip link add name br1 type bridge; ip link set dev br1 up
      ip link add name far type vxlan id 5 dstport 4789; ip link set dev far master br1
      exec node dist/cli.cjs audit`;
      const outcome = await runThrowAway(nobody);
      expect([outcome.status, outcome.stdout, outcome.stderr]).toEqual([
        69,
        '',
        expect.stringContaining('nothing to examine: no guest is on a bridge of this machine (br0, br1)'),
      ]);
      const named = await runThrowAway(`${nobody} --bridge br1`);
      expect([named.status, named.stdout]).toEqual([0, expect.stringContaining('br1')]);
    },
  );

  it('says 69 for a bridge that is not there', async () => {
    const { status, stderr } = await runThrowAway('exec node dist/cli.cjs audit --bridge br7');
    expect({ status, named: stderr.includes('there is no bridge "br7"') }).toEqual({ status: 69, named: true });
  });
});
