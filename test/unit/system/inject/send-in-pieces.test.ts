import { expect, it } from 'vitest';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import { sendInPieces, type SendPiece } from '../../../../src/system/inject/send-in-pieces.js';

type Answer = Awaited<ReturnType<SendPiece>>;

/** A helper that answers when it is told to: what it was given, first bytes by piece, and how each is answered. */
function helper(underWay: number, pieceBytes = 120) {
  const given: number[] = [];
  const answers: {
    readonly frames: number;
    readonly answer: (answer: Answer) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const pieces = sendInPieces({ pieceBytes, answerMs: 1000, underWay }, ({ frames, length }) => {
    given.push(frames[0] ?? -1);
    return new Promise((answer, fail) => answers.push({ frames: frames.length / length, answer, fail }));
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    given,
    ...pieces,
    turn,
    async takes(at: number, accepted = answers[at]?.frames ?? 0, error: string | null = null) {
      answers[at]?.answer({ accepted, error });
      await turn();
    },
    async fails(at: number, error: Error) {
      answers[at]?.fail(error);
      await turn();
    },
  };
}

/** `count` frames of 60 bytes, numbered from `first` by their first byte. */
function frames(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(60 * count);
  for (let at = 0; at < count; at += 1) bytes[60 * at] = first + at;
  return bytes;
}

it('calls are carried out one after the other', async () => {
  const pieces = helper(1);
  const [first, second] = [pieces.send('a', frames(1, 3), 60, null), pieces.send('a', frames(11, 1), 60, null)];
  await pieces.turn();
  expect(pieces.given).toEqual([1]);
  await pieces.takes(0);
  expect(pieces.given).toEqual([1, 3]);
  await pieces.takes(1);
  expect(pieces.given).toEqual([1, 3, 11]);
  await pieces.takes(2);
  expect([await first, await second]).toEqual([
    { accepted: 3, error: null },
    { accepted: 1, error: null },
  ]);
  await pieces.idle();
});

it('the next call is under way once the last piece of the one before is, and never a third', async () => {
  const two = helper(2);
  const calls = [
    two.send('a', frames(1, 3), 60, null),
    two.send('a', frames(11, 2), 60, null),
    two.send('a', frames(21, 1), 60, null),
  ];
  await two.turn();
  expect(two.given, 'the second piece of the first call must leave before the second call').toEqual([1]);
  await two.takes(0);
  expect(two.given).toEqual([1, 3, 11]);
  await two.takes(1);
  expect(two.given).toEqual([1, 3, 11, 21]);
  let idle = false;
  void two.idle().then(() => (idle = true));
  await two.takes(2);
  expect(idle).toBe(false);
  await two.takes(3);
  expect(idle).toBe(true);
  expect(await Promise.all(calls)).toEqual([
    { accepted: 3, error: null },
    { accepted: 2, error: null },
    { accepted: 1, error: null },
  ]);
});

it('what is refused ends its call and not the next', async () => {
  const two = helper(2);
  const calls = [
    two.send('a', frames(1, 4), 60, null),
    two.send('a', frames(11, 2), 60, null),
    two.send('a', frames(21, 1), 60, null),
  ];
  await two.turn();
  await two.takes(0, 1, 'ENETDOWN');
  expect(two.given, 'the rest of the first call is given up').toEqual([1, 11, 21]);
  await two.fails(1, new VerifyError('helper-silent', 3, 'nobody answers', 'run again'));
  await two.takes(2);
  expect(await Promise.all(calls)).toEqual([
    { accepted: 1, error: 'ENETDOWN' },
    { accepted: 0, error: 'helper-silent' },
    { accepted: 1, error: null },
  ]);
});

it('a call without frames ends at once', async () => {
  const two = helper(2);
  expect(await two.sendRouted([], new Uint8Array(0), 60, null)).toEqual({ accepted: 0, error: null });
  const next = two.send('a', frames(1, 1), 60, null);
  await two.turn();
  await two.takes(0);
  expect(await next).toEqual({ accepted: 1, error: null });
});
