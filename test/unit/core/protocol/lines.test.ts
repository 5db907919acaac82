import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeLine, lineSplitter } from '../../../../src/core/protocol/lines.js';
import { parseFromHelper, parseToHelper } from '../../../../src/core/protocol/parse-message.js';

describe('lines', () => {
  test('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.nat(20)), (texts, cuts) => {
        const stream = texts.map((text) => encodeLine({ type: 'x', text })).join('');
        const split = lineSplitter();
        const lines: string[] = [];
        let at = 0;
        for (const cut of cuts) lines.push(...split(stream.slice(at, (at += cut))));
        lines.push(...split(stream.slice(at)));
        expect(lines.map((line) => JSON.parse(line))).toEqual(texts.map((text) => ({ type: 'x', text })));
      }),
    );
  });

  test('longer than allowed are refused, whole or not', () => {
    expect(() => lineSplitter(10)('12345678901')).toThrow(/longer than 10/);
    const split = lineSplitter(10);
    expect(split('123456')).toEqual([]);
    expect(() => split('78901\n')).toThrow(/longer than 10/);
  });
});

describe('messages', () => {
  test('come through as they were sent', () => {
    const send = {
      type: 'send',
      id: 3,
      routes: [
        { socket: 'a', interface: 3, count: 1 },
        { socket: 'a', interface: 3, count: 1, size: 14 },
      ],
      length: 60,
      at: 60,
      bytes: 60,
      perSecond: null,
    } as const;
    expect(parseToHelper.send(encodeLine(send))).toEqual(send);
    const stopped = {
      type: 'stopped',
      counters: { a: { received: 3, dropped: 1, delivered: 2 } },
      written: { a: 2 },
      kept: [{ observer: 'a', towards: true, frame: '' }],
    } as const;
    expect(parseFromHelper.capture(encodeLine(stopped))).toEqual(stopped);
    const listening = {
      type: 'listening',
      observer: 'a',
      facts: { engine: 'cap', timestamps: 'user', originalLength: false, direction: 'inferred' },
      version: '1',
    } as const;
    expect(parseFromHelper.capture(encodeLine(listening))).toEqual(listening);
  });

  test.each([
    ['{', 'not JSON'],
    ['[]', 'not an object'],
    ['{"type":"explode"}', 'unknown message "explode"'],
    ['{"type":"mark"}', '"id" is not text'],
    ['{"type":"file","path":"x","runTag":-1}', '"runTag" is not a whole number'],
    ['{"type":"open","observer":"a","device":"b","watch":"all"}', '"watch" is not one of port, bridge'],
  ])('that make no sense are refused: %s', (line, text) => {
    expect(() => parseToHelper.capture(line)).toThrow(text);
  });

  test('never throw anything but the protocol error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom('capture', 'send', 'relay'), (line, role) => {
        try {
          parseFromHelper[role](line);
        } catch (error) {
          expect(error).toMatchObject({ code: 'protocol', exitCode: 70 });
        }
      }),
    );
  });
});
