import {expect, it} from 'vitest';
import {RecentMap} from '../../source/mailbox/recent.ts';

it('keeps the entries that were set last', () => {
	const recent = new RecentMap<number, string>(3);
	for (const key of [1, 2, 3]) recent.set(key, 'once');
	recent.set(1, 'again').set(4, 'once');
	expect([...recent]).toEqual([
		[3, 'once'],
		[1, 'again'],
		[4, 'once'],
	]);
	for (let key = 0; key < 1000; key += 1) recent.set(key, 'many');
	expect([...recent.keys()]).toEqual([997, 998, 999]);
});
