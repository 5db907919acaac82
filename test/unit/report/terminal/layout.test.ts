import { expect, it } from 'vitest';
import { fold } from '../../../../src/report/terminal/layout.js';

it('no line begins with a command to the runner of a pipeline because a name was folded there', () => {
  const name = 'n @octocat ::stop-commands::t and more';
  for (let width = 1; width < 40; width += 1) {
    const lines = fold(name, width);
    expect(lines.filter((line) => line.startsWith('::'))).toEqual([]);
    expect(lines.join(' ')).toBe(name);
  }
});
