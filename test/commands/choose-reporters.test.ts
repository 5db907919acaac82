import { describe, expect, it } from 'vitest';
import { chooseReporters } from '../../src/commands/choose-reporters.js';

describe('chooseReporters', () => {
  it('gives stdout to the terminal report where nobody asks for it', () => {
    expect(chooseReporters([], false)).toEqual([{ name: 'terminal', path: null }]);
    expect(chooseReporters(['junit=a=b.xml'], false)).toEqual([{ name: 'terminal', path: null }, { name: 'junit', path: 'a=b.xml' }]);
  });

  it('leaves stdout to the result alone with --json', () => {
    expect(chooseReporters([], true)).toEqual([{ name: 'json', path: null }]);
  });

  it.each([[['nonsense'], /known: terminal, json, junit/], [['junit='], /give one/], [['junit', 'terminal'], /give all but one a path/]] as const)('refuses %j', (asked, hint) => {
    try {
      chooseReporters(asked, false);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ exit: 64, hint: expect.stringMatching(hint) });
    }
  });
});
