import { expect, it } from 'vitest';
import { counted, nounFor } from '../../../../src/core/text/escape.js';

it.each([
  [counted(0, 'port'), '0 ports'],
  [counted(1, 'port'), '1 port'],
  [counted(2, 'port'), '2 ports'],
  [counted(1, 'thing differs', 'things differ'), '1 thing differs'],
  [counted(3, 'thing differs', 'things differ'), '3 things differ'],
  [`1,234 ${nounFor(1234, 'class', 'classes')}`, '1,234 classes'],
])('a noun goes with its number: %j', (text, wanted) => expect(text).toBe(wanted));
