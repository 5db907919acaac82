import { describe, expect, it } from 'vitest';
import { audit } from '../../../../../src/core/audit/audit.js';
import { behindFirewall, defaultBridge, withState } from '../../../../support/snapshots/recorded.js';

const sysctl = 'net.bridge.bridge-nf-call-iptables';

describe('netfilter that bridged frames do not pass', () => {
  const { [sysctl]: _, ...others } = defaultBridge.state.sysctl;
  const found = (value?: string) =>
    audit({
      ...withState(defaultBridge, { sysctl: value === undefined ? others : { ...others, [sysctl]: value } }),
      keepers: [],
    }).findings.find(({ id, place }) => id === 'netfilter-skipped' && place.endsWith('_iptables'));

  it('takes the module where it is not loaded, and has it loaded at boot', () => {
    const finding = found();
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
    expect(
      audit(behindFirewall(name, false)).findings.filter(({ id }) => id === 'proxmox-firewall-port'),
    ).toMatchObject([{ place: 'fwpr100p0.isolated', fix: 'bridge link set dev fwpr100p0 isolated on' }]);
  });
});
