import type { BridgeRule } from '../../core/audit/rule.js';
import { readFrom } from '../bridge-view.js';

/** A limit on learned entries fails open: a MAC that does not fit is flooded to. */
export const fdbLimit: BridgeRule = ({ name, settings }) => {
  const limit = settings['fdb_max_learned'];
  const learned = settings['fdb_n_learned'];
  if (typeof limit !== 'number' || limit === 0 || typeof learned !== 'number') return [];
  const full = learned >= limit;
  return [
    {
      severity: full ? 'high' : 'medium',
      place: `${name}.fdb_max_learned`,
      value: `${learned} of ${limit} learned`,
      readFrom: readFrom.link,
      text: full
        ? 'the database is full: unicast to every MAC that does not fit floods'
        : 'a guest that fills the database with made-up MACs makes unicast to others flood',
      probe: 'mac-flood',
      fix: 'raise the limit, give guests static entries, and flood off on their ports',
    },
  ];
};
