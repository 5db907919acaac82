import { describe, expect, it } from 'vitest';
import { escapeText } from '../../../../src/core/text/escape.js';

describe('commands to the runner of a pipeline', () => {
  it.each([
    ['::stop-commands::t', '\\u{3a}:stop-commands::t'],
    ['  ::error file=a::x', '  \\u{3a}:error file=a::x'],
    ['vm ##[stop-commands]x', 'vm \\u{23}#[stop-commands]x'],
    ['##vso[task.complete]', '\\u{23}#vso[task.complete]'],
  ])('are none any more: %s', (text, escaped) => expect(escapeText(text)).toBe(escaped));

  it.each(['::1', '::/0', 'fe80::1', '::ffff:10.0.0.1', 'a::b::c', '# x', '[##]'])('%s is none', (text) =>
    expect(escapeText(text)).toBe(text),
  );
});
