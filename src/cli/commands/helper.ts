import { command } from '../command.js';

/** The far side of a run over hosts, started by ssh, not by people: hidden in --help. */
export const defineHelper = command(
  'helper',
  false,
  (parser) => parser,
  async () => (await import('../../run/hosts/far-side.js')).farSide(),
);
