import { expect, it } from 'vitest';
import { stripOptions } from '../../../../../src/cli/commands/twin/twin.js';

it('takes options out of a command line with their values, and nothing else', () => {
  const words = [
    'run',
    '--twin',
    '--bridge',
    'br0',
    '--what-if=br0.ageing_time=0',
    '--json',
    '--reporter',
    'junit=x',
    '--bridges',
    '--what-if',
    '--odd=1',
  ];
  expect(stripOptions(words, ['twin'], ['bridge', 'what-if'])).toEqual([
    'run',
    '--json',
    '--reporter',
    'junit=x',
    '--bridges',
  ]);
});
