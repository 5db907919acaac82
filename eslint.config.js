import tseslint from 'typescript-eslint';

const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'name what you export' };

const empty = '[name=/^(one|own|all|other)$/]';
const emptyName = [
  `VariableDeclarator > Identifier.id${empty}`,
  `:function > Identifier.params${empty}`,
  `TSFunctionType > Identifier.params${empty}`,
  `FunctionDeclaration > Identifier.id${empty}`,
  `AssignmentPattern > Identifier.left${empty}`,
  `RestElement > Identifier${empty}`,
  `ArrayPattern > Identifier${empty}`,
  `ObjectPattern > Property > Identifier.value${empty}`,
].map((selector) => ({ selector, message: 'a name says what it is: (port) => port.x' }));

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'node_modules/', 'coverage/', 'evidence/', 'captures/', '.stryker-tmp/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [...tseslint.configs.recommended],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'max-lines': ['error', { max: 800, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', 100],
      'max-params': 'off',
      '@typescript-eslint/max-params': ['error', { max: 5 }],
      'no-nested-ternary': 'error',
      complexity: ['error', 20],
      'no-restricted-syntax': ['error', noDefaultExport],
    },
  },
  {
    // A list of cases is read from top to bottom, however long it is.
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    // What comes from outside is given its type in parse functions, nowhere else.
    files: ['src/**/*.ts'],
    ignores: ['src/**/{parse,parse-*}.ts'],
    rules: { '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }] },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', noDefaultExport, ...emptyName] },
  },
  {
    // Time and chance are parameters in pure code.
    files: ['src/{core,report}/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        noDefaultExport,
        ...emptyName,
        { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'pure code reads no clock' },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'pure code reads no clock' },
        {
          selector: "MemberExpression[object.name='Math'][property.name='random']",
          message: 'pure code uses no randomness',
        },
      ],
    },
  },
  {
    files: ['scripts/**/*.mjs', '*.js'],
    rules: { 'no-var': 'error', 'prefer-const': 'error', eqeqeq: 'error' },
  },
);
