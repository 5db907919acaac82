import { expect, it } from 'vitest';
import { ofSender } from '../../../../../src/core/plan/flows/shortcuts.js';

it('what is kept of a sender is asked for where another one spoke before, and is the same while it goes on', () => {
  const asked: string[] = [];
  const of = ofSender((sender) => {
    asked.push(sender);
    return { sender };
  });
  expect(of('')).toEqual({ sender: '' });
  const first = of('a');
  expect(of('a')).toBe(first);
  expect(of('b')).toEqual({ sender: 'b' });
  expect(of('a')).not.toBe(first);
  expect(asked).toEqual(['', 'a', 'b', 'a']);
});
