import fc from 'fast-check';

/** Any tag, for properties; often one that differs from another in case or by its last character alone. */
export const anyTag: fc.Arbitrary<string> = fc.oneof(
	fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/),
	fc.constantFrom('CLAUDE_1', 'claude_1', 'CLAUDE_10', 'CLAUDE-1', 'HUMAN', 'I', 'i'),
);
