import { command } from '../command.js';

/**
 * `helper`: the far side of a run that spans hosts. Started through ssh by the other side, not by people, so --help
 * does not list it.
 */
export const defineHelper = command(
  'helper',
  false,
  (parser) => parser,
  async () => (await import('../../run/hosts/far-side.js')).farSide(),
);
