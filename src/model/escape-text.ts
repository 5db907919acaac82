// Control characters (C0, DEL, C1), marks that reorder or hide text (Unicode TR 36, section 3), line separators, halves
// of surrogate pairs.
const dangerous =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]|[\u{e0000}-\u{e007f}]/gu;

/**
 * Text from a guest, a file or an interface name as one harmless line: what a terminal would act on appears as
 * `\u{1b}`.
 */
export function escapeText(text: string): string {
  return text.replace(dangerous, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
