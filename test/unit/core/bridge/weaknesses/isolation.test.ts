import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../../../src/core/audit/audit.js';
import type { Snapshot } from '../../../../../src/core/model/state.js';

/** Three guests on a bridge as it comes. */
const rest: Snapshot = JSON.parse(
  readFileSync(new URL('../../../../support/snapshots/default-bridge.json', import.meta.url), 'utf8'),
);
const sysctl = 'net.bridge.bridge-nf-call-iptables';

function withSysctl(value: string | undefined): Snapshot {
  const { [sysctl]: _was, ...others } = rest.state.sysctl;
  const sysctls = value === undefined ? others : { ...others, [sysctl]: value };
  return { ...rest, keepers: [], state: { ...rest.state, sysctl: sysctls } };
}

describe('netfilter that bridged frames do not pass', () => {
  const found = (value: string | undefined) =>
    audit(withSysctl(value)).findings.find(
      ({ id, place }) => id === 'netfilter-skipped' && place.endsWith('_iptables'),
    );

  it('takes the module where it is not loaded, and has it loaded at boot', () => {
    const finding = found(undefined);
    expect(finding?.value).toContain('br_netfilter is not loaded');
    expect(finding?.fix).toContain(`: modprobe br_netfilter && sysctl -w ${sysctl}=1, or`);
    expect(finding?.lasting).toMatchObject([
      { where: '/etc/modules-load.d/90-isolation.conf', form: 'br_netfilter' },
      { where: '/etc/sysctl.d/90-isolation.conf', form: expect.stringContaining(`${sysctl} = 1`) },
    ]);
  });

  it('takes the sysctl alone where the module is loaded', () => {
    expect(found('0')?.fix).toContain(`: sysctl -w ${sysctl}=1, or`);
    expect(found('0')?.lasting?.map(({ by }) => by)).toEqual(['sysctl.d']);
  });
});

describe("Proxmox' firewall bridge", () => {
  it.each(['tap100i0', 'veth100i0'])('shows that flags of %s do nothing', (name) => {
    const [br0, vnet0, vnet1] = ['br0', 'vnet0', 'vnet1'].map((named) =>
      rest.state.links.find((link) => link.name === named),
    );
    if (br0 === undefined || vnet0 === undefined || vnet1 === undefined) throw new Error('the snapshot has changed');
    const links = [
      { ...br0, name: 'fwbr100i0', ifindex: 90 },
      { ...vnet0, name, master: 'fwbr100i0', ifindex: 91, port: { ...vnet0.port, isolated: true } },
      { ...vnet1, name: 'fwpr100p0', master: 'br0', ifindex: 92, port: { ...vnet1.port, isolated: false } },
    ];
    const snapshot = { ...rest, state: { ...rest.state, links: [...rest.state.links, ...links] } };
    expect(audit(snapshot).findings.filter(({ id }) => id === 'proxmox-firewall-port')).toMatchObject([
      { place: 'fwpr100p0.isolated', fix: 'bridge link set dev fwpr100p0 isolated on' },
    ]);
  });
});
