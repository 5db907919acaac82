const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Tint = keyof typeof codes;

/** How to colour a text; the words stand for themselves, colour only helps to find them. */
export type Paint = (text: string, ...tints: readonly Tint[]) => string;

/** Paints with SGR sequences, or not at all. */
export function makePaint(color: boolean): Paint {
  return (text, ...tints) =>
    color && tints.length > 0 ? `\u001b[${tints.map((tint) => codes[tint]).join(';')}m${text}\u001b[0m` : text;
}
