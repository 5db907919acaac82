/**
 * Numbers values from 0 in the order in which they first come, equal ones alike: a mesh that leaks has a hundred
 * thousand rows, and keys of numbers are made sooner than keys of texts.
 */
export function numbering<T>(): (value: T) => number {
  const numbers = new Map<T, number>();
  return (value) => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    numbers.set(value, numbers.size);
    return numbers.size - 1;
  };
}
