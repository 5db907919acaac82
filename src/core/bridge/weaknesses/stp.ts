import type { Change } from '../../model/fabric.js';
import type { Settings } from '../../model/scenario.js';
import { word } from '../../text/escape.js';
import { advice, execute, setPort } from '../changes.js';
import { isOff, isOn } from '../setting-value.js';
import { isSettingOn, readFrom } from '../view.js';
import type { Audited, BridgeRule, CauseFinder, Explained, RuleFinding } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'stp-open': 'cause' | 'finding';
    readonly 'link-local-forwarded': 'finding';
  }
}

/** BPDU guard would take the port down at the first BPDU. */
function refuseRoot(port: string): readonly Change[] {
  return [setPort(port, 'root_block', true)];
}

/** Without STP BPDUs are data. */
function dropBpdus(port: string): readonly Change[] {
  return [
    execute('nft', 'add', 'table', 'bridge', 'guard'),
    execute('nft', 'add chain bridge guard ingress { type filter hook prerouting priority -300; }'),
    execute(
      ...['nft', 'add', 'rule', 'bridge', 'guard', 'ingress'],
      ...['iifname', port, 'ether', 'daddr', '01:80:c2:00:00:00', 'drop'],
    ),
  ];
}

const findStpOpen: CauseFinder = ({ finding, bridge, fromPort }) => {
  if (finding.class !== 'stp-root' || fromPort === null || !isOff(fromPort.port?.['guard'])) return null;
  const on = isOn(bridge.bridge?.['stp_state']);
  return {
    place: on ? `${fromPort.name}.guard` : `${bridge.name}.stp_state`,
    value: 'off',
    text: on
      ? `${fromPort.name} has no BPDU guard, so ${bridge.name} believes a guest's BPDU`
      : `${bridge.name} speaks no STP and hands BPDUs on like any other frame`,
    fix: { changes: on ? refuseRoot(fromPort.name) : dropBpdus(fromPort.name) },
  };
};

const stpOpenRule: BridgeRule = ({ name, settings, guests }) => {
  if (guests.length === 0) return [];
  const stp = settings['stp_state'];
  if (stp === 0) {
    const [first] = guests;
    return first === undefined || guests.length < 2
      ? []
      : [
          {
            severity: 'low',
            place: `${name}.stp_state`,
            value: '0',
            readFrom: readFrom.link,
            text: 'BPDUs that a guest sends reach the other guests',
            probe: 'stp-root',
            fix: {
              changes: dropBpdus(first.name),
              also: ", and a rule like the last for each guest's port",
            },
          },
        ];
  }
  if (stp === undefined) return [];
  return guests
    .filter(
      (port) => isSettingOn(port.settings, 'guard') === false && isSettingOn(port.settings, 'root_block') === false,
    )
    .map((port) => ({
      severity: 'medium',
      place: `${port.name}.guard`,
      value: 'off',
      readFrom: readFrom.link,
      text: 'one BPDU makes this guest the root of the spanning tree',
      probe: 'stp-root',
      fix: { changes: refuseRoot(port.name) },
    }));
};

export const stpOpen: Explained & Audited = {
  meaning: 'Nothing keeps a guest’s BPDUs from the bridge, or with STP off from the other guests.',
  cause: {
    phrase: ({ place }) => `a guest's BPDUs are not stopped (${place} is off)`,
    cost: { price: 'share', text: 'a switch behind that port is shut out' },
    find: findStpOpen,
    forwards: 'setting',
  },
  finding: { onBridge: stpOpenRule },
};

/** IEEE 802.1Q table 8-1. */
const named: readonly (readonly [number, string])[] = [
  [0x8, 'EAPOL'],
  [0x4, 'LACP'],
  [0x4000, 'LLDP'],
];

function linkLocalFinding(name: string, settings: Settings): readonly RuleFinding[] {
  const mask = Number.parseInt(String(settings['group_fwd_mask'] ?? '0'), 16);
  if (!Number.isFinite(mask) || mask === 0) return [];
  const what =
    named
      .filter(([bit]) => (mask & bit) !== 0)
      .map(([, protocol]) => protocol)
      .join(', ') || 'link-local frames';
  return [
    {
      severity: 'low',
      place: `${name}.group_fwd_mask`,
      value: `0x${mask.toString(16)}`,
      readFrom: readFrom.link,
      text: `${what} of a guest pass to the others, which a bridge must not forward`,
      probe: 'link-local-multicast',
      fix: advice(`set group_fwd_mask of ${word(name)} to 0`),
    },
  ];
}

const linkLocalForwardedRule: BridgeRule = ({ name, settings, ports }) => [
  ...linkLocalFinding(name, settings),
  ...ports.flatMap((port) => linkLocalFinding(port.name, port.settings)),
];

export const linkLocalForwarded: Audited = {
  meaning: 'Link-local frames (LLDP, EAPOL) pass the bridge.',
  finding: { onBridge: linkLocalForwardedRule },
};
