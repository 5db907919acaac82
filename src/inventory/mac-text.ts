/** A MAC address as the rest of the program writes it; null = the text is none. */
export function macText(text: string | null | undefined): string | null {
  return text !== null && text !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? text.toLowerCase()
    : null;
}
