import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';
import { ovsLeak } from '../../core/judge/explain/causes/ovs.js';
import { valueIn } from '../../model/ovs-values.js';

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
