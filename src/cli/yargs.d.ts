import 'yargs';

declare module 'yargs' {
  // yargs has it since 17.6, @types/yargs 17 lacks it.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- a declaration that is merged repeats its parameters
  interface Argv<T> {
    usageConfiguration(configuration: { readonly 'hide-types': boolean }): this;
  }
}
