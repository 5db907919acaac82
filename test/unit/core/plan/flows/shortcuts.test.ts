import { expect, it } from 'vitest';
import { inTurn, ofSender } from '../../../../../src/core/plan/flows/shortcuts.js';

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

it('a name is found once, whatever was asked for before it', () => {
  const asked: string[] = [];
  const of = inTurn((name) => {
    asked.push(name);
    return name === 'nobody' ? undefined : name.toUpperCase();
  });
  const order = ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'c', 'b', 'b', 'nobody', 'a', 'nobody', 'b'];
  expect(order.map(of)).toEqual(order.map((name) => (name === 'nobody' ? undefined : name.toUpperCase())));
  expect(asked).toEqual(['a', 'b', 'c', 'nobody']);
});
