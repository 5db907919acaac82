/** Writes programs to `dir`/NAME.cjs, with the code that V8 made of them while the commands of `recorded` ran. */
export function bundlePrograms(
  dir: string,
  input: Readonly<Record<string, string>>,
  recorded: (scratch: string) => readonly (readonly string[])[],
): Promise<unknown>;
