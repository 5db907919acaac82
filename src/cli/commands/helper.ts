import type { DefineCommand } from '../command.js';

/**
 * `helper`: the far side of a run that spans hosts. Started through ssh by the other side, not by people, so --help
 * does not list it.
 */
export const defineHelper: DefineCommand = (parser) => {
  parser.command(
    'helper',
    false,
    (options) => options,
    async () => {
      const { farSide } = await import('../../run/hosts/far-side.js');
      await farSide();
    },
  );
};
