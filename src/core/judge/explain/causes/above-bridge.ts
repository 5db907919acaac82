import type { CauseFinder } from './leak.js';

/**
 * The observer stands on the bridge or on one of its ports without being one: what the bridge hands to its own device
 * is copied to a macvlan or an ipvlan there (macvlan_handle_frame of drivers/net/macvlan.c), all of it in passthru mode,
 * and tagged frames go to a VLAN device.
 */
export const aboveBridge: CauseFinder = ({ observer, bridge }) => {
  if (observer?.place !== 'above') return null;
  const [device = observer.name, lower = bridge.name] = observer.name.split('@');
  return {
    place: device,
    value: `on ${lower}`,
    text: `${device} stands on ${lower}: it gets what ${lower} gets, and is no port that a setting of ${bridge.name} could close`,
    fix: '',
  };
};
