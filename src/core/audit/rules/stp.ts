import { advice } from '../../bridge/changes.js';
import { isSettingOn, readFrom } from '../../bridge/view.js';
import { stpOpenWeakness } from '../../bridge/weaknesses/stp-open.js';
import type { Settings } from '../../model/scenario.js';
import { word } from '../../text/escape.js';
import type { BridgeRule, RuleFinding } from '../rule.js';

/** Bits of group_fwd_mask by the last byte of 01:80:c2:00:00:0x (IEEE 802.1Q table 8-1). */
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

export const linkLocalForwardedRule: BridgeRule = ({ name, settings, ports }) => [
  ...linkLocalFinding(name, settings),
  ...ports.flatMap((port) => linkLocalFinding(port.name, port.settings)),
];

/** Without spanning tree BPDUs are data; with it a guest's port has to refuse them. */
export const stpOpenRule: BridgeRule = ({ name, settings, guests }) => {
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
              changes: stpOpenWeakness.dropBpdus(first.name),
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
      fix: { changes: stpOpenWeakness.refuseRoot(port.name) },
    }));
};
