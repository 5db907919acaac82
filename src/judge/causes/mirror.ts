import { bridgeViews } from '../../audit/bridge-view.js';
import { nftMirror, tcMirror, xdp } from '../../audit/rules/mirrors.js';
import type { CauseFinder } from './leak.js';

/** A rule carries frames of the bridge's devices to another one (tc-mirred(8), nft(8) dup and fwd), or an XDP program may. The audit finds them; here they explain a leak. */
export const mirror: CauseFinder = ({ before, bridge, fromPort, port, to }) => {
  const reading = { state: before, packetSockets: null, promiscuousLog: null, vmnet: [], ovs: null };
  const view = bridgeViews(reading).find(({ name }) => name === bridge.name);
  if (view === undefined) return null;
  const rules = [...tcMirror(view, reading), ...nftMirror(view, reading)].filter(({ value }) => port === null || value.split(' ').includes(port.name));
  const near = [fromPort?.name, to?.port, bridge.name].filter((name) => name !== undefined && name !== null);
  const programs = xdp(view, reading).filter(({ place }) => near.includes(place.split(' ')[0] ?? ''));
  const [found] = [...rules, ...programs];
  return found === undefined ? null : { place: found.place, value: found.value, text: found.text, fix: found.fix ?? '' };
};
