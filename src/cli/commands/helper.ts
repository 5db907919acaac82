import { command } from '../command.js';

/** The far side of a run over hosts. ssh starts it, so --help hides it. */
export const defineHelper = command(
  'helper',
  false,
  (parser) => parser,
  async () => (await import('../../run/hosts/far-side.js')).farSide(),
);
