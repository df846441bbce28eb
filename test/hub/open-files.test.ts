import fc from 'fast-check';
import {expect, it} from 'vitest';
import {divideOpenFiles} from '../../source/hub/files/open-files.ts';

it('refuses a limit with which no client could connect, and says what to do', () => {
	expect(() => divideOpenFiles(64)).toThrow('The limit of open files is 64, but the hub needs 128.');
	expect(() => divideOpenFiles(127)).toThrow('needs 128');
});

it('assigns no more than there are, and leaves room for clients', () => {
	fc.assert(
		fc.property(fc.integer({min: 128, max: 4095}), limit => {
			const {database, connections, remark} = divideOpenFiles(limit);
			expect(database + connections).toBeLessThan(limit);
			expect(database).toBeGreaterThanOrEqual(64);
			expect(connections).toBeGreaterThanOrEqual(32);
			expect(remark).toContain(`files is ${limit}`);
		}),
	);
});

it('says nothing if there are enough', () => {
	expect(divideOpenFiles(Infinity)).toEqual({database: 1000, connections: Infinity, remark: null});
});
