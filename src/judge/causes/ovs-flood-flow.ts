import { word } from '../../audit/shell-word.js';
import type { CauseFinder } from '../../core/judge/explain/causes/leak.js';
import { ovsLeak } from '../../core/judge/explain/causes/ovs.js';
import { ofctl } from '../../model/ovs-openflow.js';

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
    .filter((word) => word !== '' && !word.startsWith('priority='))
    .join(',');
  return {
    place: `a flow of ${found.bridge.name}`,
    value: flow,
    text: `a flow of ${found.bridge.name} sends such frames to ${name === '' ? 'every port' : name}, whatever the switch has learned`,
    fix: `${ofctl(found.bridge.columns['protocols']).join(' ')} del-flows ${word(found.bridge.name)}${match === '' ? '' : ` ${word(match)}`}`,
  };
};
