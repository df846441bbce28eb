import {expect, test} from 'vitest';
import {replacedText} from '../../source/mailbox/event.ts';

test('says how many messages are new, and after which one', () => {
	expect(replacedText({common: 4, fresh: 0, more: false})).toBe(
		'History was replaced: no new messages after #4 (restore or failover).',
	);
	expect(replacedText({common: 4, fresh: 1, more: false})).toBe(
		'History was replaced: 1 new message after #4 (restore or failover).',
	);
	expect(replacedText({common: null, fresh: 12, more: false})).toBe(
		'History was replaced: nothing in common, 12 messages (restore or failover).',
	);
	expect(replacedText({common: null, fresh: 1000, more: true})).toBe(
		'History was replaced: nothing in common, more than 1000 messages (restore or failover).',
	);
});

test('fits behind the mode in a terminal of 80 columns', () => {
	const longest = replacedText({common: 1234, fresh: 99, more: false});
	expect(` READ  ${longest}`.length).toBeLessThanOrEqual(80);
});
