/** Writes programs to `dir`/NAME.cjs, and what they load to `dir`/chunks. */
export function bundlePrograms(dir: string, input: Readonly<Record<string, string>>): Promise<unknown>;
