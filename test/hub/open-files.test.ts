import fc from 'fast-check';
import {expect, it} from 'vitest';
import {divideOpenFiles} from '../../source/hub/files/open-files.ts';

it('refuses a limit under which nobody could connect, and says what helps', () => {
	expect(() => divideOpenFiles(64)).toThrow('This process may have 64 files open, and the hub needs 128.');
	expect(() => divideOpenFiles(127)).toThrow('needs 128');
});

it('gives out no more than there is, and leaves room for clients', () => {
	fc.assert(
		fc.property(fc.integer({min: 128, max: 4095}), limit => {
			const {database, connections, remark} = divideOpenFiles(limit);
			expect(database + connections).toBeLessThan(limit);
			expect(database).toBeGreaterThanOrEqual(64);
			expect(connections).toBeGreaterThanOrEqual(32);
			expect(remark).toContain(`${limit} files`);
		}),
	);
});

it('says nothing where there is enough', () => {
	expect(divideOpenFiles(Infinity)).toEqual({database: 1000, connections: Infinity, remark: null});
});
