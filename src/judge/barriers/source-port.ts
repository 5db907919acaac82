import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';

/** A bridge hands no frame back to the port on which it came in, unless hairpin is on. */
export const sourcePort: Barrier = {
  text: 'the observer is behind the port on which the frames came in',
  opens: 'hairpin on at that port',
  find: ({ port, fromPort }) => (port !== null && port.name === fromPort?.name ? `${port.name}.hairpin` : null),
};
