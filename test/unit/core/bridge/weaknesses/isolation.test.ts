import { describe, expect, it } from 'vitest';
import { audit } from '../../../../../src/core/audit/audit.js';
import { dropsWithin } from '../../../../../src/core/bridge/bypass/forward-rules.js';
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

describe('a rule of the IP firewall that drops between guests of one bridge', () => {
  const match = (key: string, right: string) => ({ match: { op: '==', left: { meta: { key } }, right } });
  const rule = (chain: string, ...expr: readonly object[]) => ({
    rule: { family: 'ip', table: 'filter', chain, handle: 9, expr },
  });
  const within = [match('iifname', 'br0'), match('oifname', 'br0')];
  const withRules = (...rules: readonly object[]) => ({
    nft: {
      nftables: [
        { chain: { family: 'ip', table: 'filter', name: 'FORWARD', hook: 'forward', prio: 0, policy: 'accept' } },
        { chain: { family: 'ip', table: 'filter', name: 'DOCKER' } },
        ...rules,
      ],
    },
  });
  const jump = rule('FORWARD', { jump: { target: 'DOCKER' } });
  const dropping = rule('DOCKER', ...within, { counter: { packets: 0, bytes: 0 } }, { drop: null });
  const placesOf = (...rules: readonly object[]) => dropsWithin(withRules(...rules), 'br0').map(({ place }) => place);

  it('is found in chains that forwarded packets pass, if it asks for nothing else', () => {
    expect(placesOf(jump, dropping)).toEqual(['ip filter DOCKER']);
    expect(placesOf(dropping)).toEqual([]);
    expect(placesOf(rule('FORWARD', match('iifname', 'br0'), { drop: null }))).toEqual([]);
    expect(placesOf(rule('FORWARD', match('iifname', 'br0'), match('oifname', 'br1'), { drop: null }))).toEqual([]);
    expect(placesOf(rule('FORWARD', ...within, match('mark', '1'), { drop: null }))).toEqual([]);
  });

  it('is read with the conditions of jumps', () => {
    const [into, out] = within;
    const rest = rule('DOCKER', into ?? {}, { drop: null });
    expect(placesOf(rule('FORWARD', out ?? {}, { jump: { target: 'DOCKER' } }), rest)).toEqual(['ip filter DOCKER']);
    expect(placesOf(rule('FORWARD', match('mark', '1'), { jump: { target: 'DOCKER' } }), dropping)).toEqual([]);
  });

  it('keeps nobody apart where another one accepts the same', () => {
    expect(placesOf(jump, rule('FORWARD', ...within, { accept: null }), dropping)).toEqual([]);
  });

  it('is HIGH in an audit where bridged frames do not pass it, and one command is its fix', () => {
    const found = (value: string) =>
      audit({
        ...withState(defaultBridge, {
          sysctl: { ...defaultBridge.state.sysctl, [sysctl]: value },
          ...withRules(jump, dropping),
        }),
        keepers: [],
      }).findings.find(({ id, place }) => id === 'netfilter-skipped' && place.endsWith('_iptables'));
    expect(found('0')).toMatchObject({
      severity: 'high',
      text: expect.stringContaining('ip filter DOCKER drops what goes from br0 to br0'),
      fix: 'ip link set dev br0 type bridge nf_call_iptables 1',
    });
    expect(found('1')).toBeUndefined();
  });
});

describe("Proxmox' firewall bridge", () => {
  it.each(['tap100i0', 'veth100i0'])('shows that flags of %s do nothing', (name) => {
    expect(
      audit(behindFirewall(name, false)).findings.filter(({ id }) => id === 'proxmox-firewall-port'),
    ).toMatchObject([{ place: 'fwpr100p0.isolated', fix: 'bridge link set dev fwpr100p0 isolated on' }]);
  });
});
