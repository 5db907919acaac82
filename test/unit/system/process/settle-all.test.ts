import { expect, it } from 'vitest';
import { settleAll } from '../../../../src/system/process/settle-all.js';

it('gives the values in order', async () => {
  expect(await settleAll([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2]);
});

it('waits for all, undoes those that came, and rejects with the first failure', async () => {
  const undone: number[] = [];
  let come = (_: number): void => undefined;
  const late = new Promise<number>((resolve) => (come = resolve));
  setImmediate(() => come(3));
  const [first, second] = [new Error('first'), new Error('second')];
  const all = [Promise.resolve(1), Promise.reject(first), Promise.reject(second), late];
  await expect(settleAll(all, (value) => undone.push(value))).rejects.toBe(first);
  expect(undone).toEqual([1, 3]);
});
