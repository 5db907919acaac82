function memberOf(of: unknown, name: string): unknown {
  const member: unknown = typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
  return typeof member === 'function' ? Reflect.apply(member, of, []) : undefined;
}

/**
 * Keeps yargs 18 from rendering the help of each command that it runs, in case it fails (lib/command.ts,
 * handleValidationAndGetResult): that takes as long as Node takes to start, and the program's own messages are printed
 * instead. `--help` is as before; without these inner methods everything is.
 */
export function skipCachedHelp(parser: object): void {
  const usage = memberOf(memberOf(parser, 'getInternalMethods'), 'getUsageInstance');
  if (typeof usage === 'object' && usage !== null && Reflect.has(usage, 'cacheHelpMessage'))
    Reflect.set(usage, 'cacheHelpMessage', () => undefined);
}
