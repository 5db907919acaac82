import { membersOf } from './ovs-values.js';

/**
 * The versions that a bridge speaks, by its column `protocols`, where OpenFlow 1.0 is not one of them; empty = it is.
 * ovs-ofctl tries 1.0 alone unless it is told others (ovs-ofctl(8), -O), and no other version has NO_FLOOD
 * (OFPPC_NO_FLOOD, OpenFlow 1.0.0 5.2.1).
 */
export function withoutOpenFlow10(protocols: unknown): readonly string[] {
  const named = membersOf(protocols).filter((one) => typeof one === 'string');
  return named.includes('OpenFlow10') ? [] : named;
}

/** The words with which ovs-ofctl reaches a bridge of these `protocols`. */
export function ofctl(protocols: unknown): readonly string[] {
  const versions = withoutOpenFlow10(protocols);
  return versions.length === 0 ? ['ovs-ofctl'] : ['ovs-ofctl', '-O', versions.join()];
}
