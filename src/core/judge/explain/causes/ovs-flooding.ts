import { ofctl, withoutOpenFlow10 } from '../../../bridge/ovs.js';
import { valueIn } from '../../../bridge/ovs-settings.js';
import { word } from '../../../text/shell.js';
import { isUnicast } from '../../rows/row-context.js';
import type { CauseFinder } from './leak.js';
import { numbersIn, ovsLeak } from './ovs.js';

/**
 * A flow sends frames to every port (FLOOD, ALL), or to the observer's by its name or number, past the table of MACs
 * (ovs-actions(7)).
 */
export const ovsFloodFlow: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null) return null;
  const { name = '', ofport = null } = found.port ?? {};
  const reaches = (action: string): boolean => {
    if (/^(?:FLOOD|ALL)$/i.test(action)) return true;
    const output = /^output:"?([^"]+)"?$/i.exec(action)?.[1];
    return output !== undefined && (output === name || output === String(ofport));
  };
  const flow = found.bridge.flows.find((one) =>
    (/actions=(.*)$/.exec(one)?.[1] ?? '').split(',').some((action) => reaches(action.trim())),
  );
  if (flow === undefined) return null;
  const match = flow
    .replace(/,? ?actions=.*$/, '')
    .split(/[, ]+/)
    .filter((field) => field !== '' && !field.startsWith('priority='))
    .join(',');
  return {
    place: `a flow of ${found.bridge.name}`,
    value: flow,
    text: `a flow of ${found.bridge.name} sends such frames to ${name === '' ? 'every port' : name}, whatever the switch has learned`,
    fix: `${ofctl(found.bridge.columns['protocols']).join(' ')} del-flows ${word(found.bridge.name)}${match === '' ? '' : ` ${word(match)}`}`,
  };
};

/** The bridge learns nothing in the frame's VLAN (column flood_vlans, ovs-vswitchd.conf.db(5)). */
export const ovsFloodVlans: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null || !isUnicast(leak)) return null;
  const [tag = 0] = leak.finding.vlan.length > 0 ? leak.finding.vlan : numbersIn(found.from?.columns['tag']);
  if (!numbersIn(found.bridge.columns['flood_vlans']).includes(tag)) return null;
  return {
    place: `${found.bridge.name}.flood_vlans`,
    value: String(tag),
    text: `${found.bridge.name} learns nothing in VLAN ${tag}, so it floods all unicast there like a hub`,
    fix: `ovs-vsctl remove Bridge ${word(found.bridge.name)} flood_vlans ${tag}`,
  };
};

/** What ovs-vswitchd keeps where nothing is said (ovs-vswitchd.conf.db(5), other_config:mac-table-size). */
const usualSize = 8192;

/** The table of MACs is at its limit: an entry is thrown out for each that is learned, and what is for it floods. */
export const ovsTableFull: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null || !isUnicast(leak)) return null;
  const size = Number(valueIn(found.bridge.columns['other_config'], 'mac-table-size') ?? usualSize);
  const learned = Math.max(
    ...[leak.before, leak.after].map(
      ({ fdb }) => fdb.filter(({ master, state }) => master === found.bridge.name && state === 'dynamic').length,
    ),
  );
  if (learned < size) return null;
  return {
    place: `${found.bridge.name}.other_config:mac-table-size`,
    value: `${learned} of ${size}`,
    text: `the table of ${found.bridge.name} is full: for each MAC that it learns it forgets another, and floods what is for that one`,
    fix: `ovs-vsctl set Bridge ${word(found.bridge.name)} other_config:mac-table-size=${Math.max(usualSize, size * 2)}`,
  };
};

/**
 * Open vSwitch has no entry for the destination, and the observer's port takes what is flooded. Where it floods on
 * purpose, an entry would not help.
 */
export const ovsUnknownFlood: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (
    found === null ||
    !isUnicast(leak) ||
    found.port === null ||
    leak.entries.length > 0 ||
    found.port.config.includes('NO_FLOOD') ||
    ovsFloodVlans(leak) !== null ||
    ovsFloodFlow(leak) !== null
  )
    return null;
  const speaking =
    withoutOpenFlow10(found.bridge.columns['protocols']).length === 0
      ? ''
      : `ovs-vsctl add Bridge ${word(found.bridge.name)} protocols OpenFlow10 && `;
  return {
    place: `${found.port.name}.no-flood`,
    value: 'off',
    text: `${found.bridge.name} has no entry for ${leak.dstMac ?? ''}, and ${found.port.name} takes what is flooded`,
    fix: `${speaking}ovs-ofctl mod-port ${word(found.bridge.name)} ${word(found.port.name)} no-flood`,
  };
};
