const least = [20, 19] as const;

/** A sentence if Node.js is older than package.json's `engines`; null = new enough. */
export function nodeFault(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > least[0] || (major === least[0] && minor >= least[1])) return null;
  return `verify-isolation: Node.js ${version} is too old. Install Node.js ${least.join('.')} or newer (nodejs.org)\n`;
}
