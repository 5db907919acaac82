import { entriesOf } from '../../../bridge/host.js';
import { isUnicast, type RowContext } from '../../../bridge/row-context.js';
import { isOff, isOn } from '../../../bridge/setting-value.js';
import { ovsLeak } from '../../../bridge/weaknesses/ovs.js';
import type { Barrier } from './barrier.js';

/** The observer's port takes no unknown unicast. */
export const floodOff: Barrier = {
  text: 'the observer’s port takes no unknown unicast',
  opens: 'flood on at that port',
  find(row) {
    const { port, bridge, dstMac, finding } = row;
    return port !== null &&
      finding.class !== 'routed-bounce' &&
      isUnicast(row) &&
      dstMac !== bridge.mac &&
      isOff(port.port?.['flood'])
      ? `${port.name}.flood`
      : null;
  },
};

const broadcast = 'ff:ff:ff:ff:ff:ff';

/** The host's own frames pass both flags (br_flood of net/bridge/br_forward.c). */
function switchOff(row: RowContext, key: 'bcast_flood' | 'mcast_flood'): string | null {
  const { port, fromPort, dstMac } = row;
  const meant = dstMac !== null && !isUnicast(row) && (dstMac === broadcast) === (key === 'bcast_flood');
  return port !== null && fromPort !== null && meant && isOff(port.port?.[key]) ? `${port.name}.${key}` : null;
}

/** The observer's port takes no broadcasts. */
export const bcastFloodOff: Barrier = {
  text: 'the observer’s port takes no broadcasts',
  opens: 'bcast_flood on at that port; broadcasts of the host itself pass it anyway',
  find: (row) => switchOff(row, 'bcast_flood'),
};

/** The observer's port takes only multicast that a guest there joined. */
export const mcastFloodOff: Barrier = {
  text: 'the observer’s port takes no unregistered multicast',
  opens: 'mcast_flood on at that port, a membership there, or its becoming a multicast router port',
  find: (row) => switchOff(row, 'mcast_flood'),
};

/** The guest's port takes no BPDU (guard), or none that would make it the root port (root_block). */
export const guard: Barrier = {
  text: 'the guest’s port takes no BPDU, or no better root',
  opens: 'guard and root_block off at that port',
  find({ finding, fromPort }) {
    if (finding.class !== 'stp-root' || fromPort === null) return null;
    const key = (['guard', 'root_block'] as const).find((flag) => isOn(fromPort.port?.[flag]));
    return key === undefined ? null : `${fromPort.name}.${key}`;
  },
};

/** Both ports are isolated (should_deliver of net/bridge/br_forward.c). */
export const isolated: Barrier = {
  text: 'both ports are isolated',
  opens: 'isolated off on either port, or a host that forwards between them',
  find({ fromPort, port, bridge, finding }) {
    if (fromPort === null || port === null || fromPort.master !== bridge.name || finding.class === 'routed-bounce')
      return null;
    return isOn(fromPort.port?.['isolated']) && isOn(port.port?.['isolated'])
      ? `${fromPort.name}.isolated, ${port.name}.isolated`
      : null;
  },
};

/** The sender's port takes only source MACs with an entry there (BR_PORT_LOCKED, Linux 5.18). */
export const locked: Barrier = {
  text: 'the sender’s port is locked to the MACs of its entries',
  opens: 'locked off at that port, learning on there, or mab',
  find({ fromPort, flow, before, bridge }) {
    if (fromPort === null || flow === null || !isOn(fromPort.port?.['locked'])) return null;
    const known = entriesOf(before, flow.frame.srcMac).some(
      (entry) => entry.port === fromPort.name && entry.master === bridge.name,
    );
    return known ? null : `${fromPort.name}.locked`;
  },
};

/** Both Open vSwitch ports are protected (ovs-vswitchd.conf.db(5), column protected). */
export const ovsProtectedPorts: Barrier = {
  text: 'both ports are protected',
  opens: 'protected=false on either port, or a flow that outputs to one',
  find(row) {
    const inSwitch = ovsLeak(row);
    return inSwitch?.from?.columns['protected'] === true && inSwitch.port?.columns['protected'] === true
      ? `${inSwitch.from.name}.protected, ${inSwitch.port.name}.protected`
      : null;
  },
};
