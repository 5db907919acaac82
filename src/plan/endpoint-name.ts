/**
 * A valid endpoint name made of any text (an interface's or a guest's name), which is not yet taken: other characters
 * become `-`.
 */
export function endpointName(text: string, taken: ReadonlySet<string>): string {
  const plain =
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 56) || 'port';
  if (!taken.has(plain)) return plain;
  for (let number = 2; ; number += 1) if (!taken.has(`${plain}.${number}`)) return `${plain}.${number}`;
}
