import type { Change } from './fabric.js';

/**
 * What ends a weakness of a host, as data: reports render it, trials execute it, and managers of configuration are asked
 * for a form of it that stays.
 *
 * @example
 *   { changes: [{ kind: 'set', place: 'port', device: 'vnet0', key: 'isolated', value: true }] }
 */
export interface Fix {
  /** In their order; all of them belong to it. Empty: it is words to people alone. */
  readonly changes: readonly Change[];
  /** Where it is meant, as words before the commands; absent: wherever the weakness is. */
  readonly where?: string;
  /** What else belongs to it or would do in its place, as words behind the commands: `, or …`, `, and …`. */
  readonly also?: string;
}
