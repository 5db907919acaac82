import { describe, expect, it } from 'vitest';
import { carriers } from '../../../../src/core/model/scenario.js';
import { classes, probeClasses } from '../../../../src/core/probe/classes.js';
import { findToken } from '../../../../src/core/wire/token.js';
import { runTag, classCases } from '../../../support/probe/class-fixture.js';

describe('the descriptor of a class', () => {
  it.each(probeClasses)('stands in the list by its own name: %s', (name) => expect(classes[name].name).toBe(name));
  it.each(probeClasses)('says in a sentence what %s sends', (name) =>
    expect(classes[name].meaning).toMatch(/^[A-Z].*\.$/),
  );
});

describe('the frames of every class with every carrier that it takes', () => {
  it('are there, and each has its token', () => {
    expect(new Set(classCases.map(({ name }) => name))).toEqual(new Set(probeClasses));
    expect(new Set(classCases.map(({ carrier }) => carrier))).toEqual(new Set(carriers));
    for (const name of ['known-unicast', 'unknown-unicast', 'broadcast', 'vlan-hop', 'mac-spoof', 'mac-steal'] as const)
      expect(
        new Set(classCases.filter((classCase) => classCase.name === name).map(({ carrier }) => carrier)).size,
        name,
      ).toBeGreaterThanOrEqual(6);
    expect(classCases.filter(({ frame }) => findToken(frame, 0, frame.length, runTag, -1) === null)).toEqual([]);
  });
});
