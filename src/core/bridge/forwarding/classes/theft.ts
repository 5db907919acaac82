import type { Mac } from '../../../model/scenario.js';
import { type BridgeView, isSettingOn } from '../../view.js';
import { destinationOf, entryOf, sentTo, unicast } from '../delivery.js';
import { type ClassForecast, type End, portOf, unknown } from '../forecast.js';

/** br_fdb_update, br_handle_frame_finish. */
function blockedBy(view: BridgeView, thief: End, mac: Mac): string | null {
  const port = portOf(thief);
  const entry = entryOf(view, thief, mac);
  if (port === null) return 'the thief has no port';
  if (isSettingOn(port.settings, 'learning') === false) return `${port.name}.learning off`;
  if (isSettingOn(port.settings, 'locked') === true) return `${port.name} is locked`;
  if (view.settings['ageing_time'] === 0) return 'nothing is learned';
  return entry !== undefined && (entry.state === 'permanent' || entry.flags.includes('sticky'))
    ? `its entry is ${entry.state === 'permanent' ? 'permanent' : 'sticky'}`
    : null;
}

/** Unicast to a stolen MAC goes to its present port. */
export const predictTheft: ClassForecast = (view, _, { from, to, observer, by }) => {
  if (to === null || by === null || by === undefined) return unknown('no thief, or no victim');
  if (to.site.kind === 'host') return unicast(view, from, to, observer);
  const [mac] = to.macs;
  if (mac === undefined) return unknown('the MAC of the victim is not on record');
  const port = portOf(by);
  if (port === null || blockedBy(view, by, mac) !== null) return unicast(view, from, to, observer);
  // what is behind the bridge device takes its frames whatever the database says
  if (observer.site.kind !== 'port') return unknown('the guests behind the bridge device decide it');
  return sentTo(view, from, by, observer, { at: port.name });
};

/** With a learning limit a MAC flood leaves no room for the next sender. */
export const predictMacFlood: ClassForecast = (view, _, { from, to, observer, by }) => {
  const limit = view.settings['fdb_max_learned'];
  const port = portOf(by);
  if (to === null) return unknown('no addressee');
  if (limit === undefined) return unknown('fdb_max_learned is not reported');
  if (
    typeof limit !== 'number' ||
    limit === 0 ||
    (port !== null &&
      (isSettingOn(port.settings, 'learning') === false || isSettingOn(port.settings, 'locked') === true))
  )
    return unicast(view, from, to, observer);
  const entries = to.macs.map((mac) => entryOf(view, from, mac));
  if (entries.some((entry) => entry?.state === 'dynamic'))
    return unknown('known now; once its entry has aged there may be no room for it');
  return sentTo(
    view,
    from,
    to,
    observer,
    entries.some((entry) => entry !== undefined)
      ? destinationOf(view, from, to)
      : { flood: `${view.name}.fdb_max_learned: no room is left` },
  );
};
