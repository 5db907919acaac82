import type { BridgeRule, RuleFinding } from '../../core/audit/rule.js';
import type { Settings } from '../../core/model/scenario.js';
import { readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/** Bits of group_fwd_mask by the last octet of 01:80:c2:00:00:0x (IEEE 802.1Q table 8-1). */
const named: readonly (readonly [number, string])[] = [
  [0x8, 'EAPOL'],
  [0x4, 'LACP'],
  [0x4000, 'LLDP'],
];

function finding(name: string, settings: Settings): readonly RuleFinding[] {
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
      fix: `set group_fwd_mask of ${word(name)} to 0`,
    },
  ];
}

export const linkLocalForwarded: BridgeRule = ({ name, settings, ports }) => [
  ...finding(name, settings),
  ...ports.flatMap((port) => finding(port.name, port.settings)),
];
