import {expect, test} from 'vitest';
import fc from 'fast-check';
import {isSame, type Anchor} from '../../source/gateway/rest/position.ts';
import {Trail} from '../../source/gateway/live/trail.ts';

const anchor = (id: number): Anchor => ({xid: String(100 + id), id, at: id * 1000});

test('finds the newest row that is still there, with about twenty calls', async () => {
	const sizes = fc
		.integer({min: 0, max: 6000})
		.chain(size => fc.tuple(fc.constant(size), fc.integer({min: 0, max: size})));
	await fc.assert(
		fc.asyncProperty(sizes, async ([size, kept]) => {
			const trail = new Trail();
			trail.add(Array.from({length: size}, (_, index) => anchor(index + 1)));
			let asked = 0;
			const {common, lost} = await trail.part(async ({id}) => {
				asked += 1;
				return id <= kept;
			});
			expect(common?.id ?? 0).toBe(kept);
			expect(lost.map(({id}) => id)).toEqual(Array.from({length: size - kept}, (_, index) => kept + index + 1));
			expect(asked).toBeLessThanOrEqual(28);
		}),
	);
});

test('remembers the newest thousands one by one, and fewer the older they are', async () => {
	const trail = new Trail();
	for (let id = 1; id <= 100_000; id++) trail.add([anchor(id)]);
	const all: Anchor[] = [];
	const {lost} = await trail.part(async () => false);
	all.push(...lost);
	expect(all.length).toBeLessThanOrEqual(8192);
	expect(all.slice(-4096).map(({id}) => id)).toEqual(Array.from({length: 4096}, (_, index) => 100_000 - 4095 + index));
	expect(all.some(({id}) => id < 10_000)).toBe(true);
	trail.addBefore([anchor(0), anchor(100_000)]);
	const {lost: more} = await trail.part(async () => false);
	expect(isSame(more[0], anchor(0))).toBe(true);
	expect(more).toHaveLength(all.length + 1);
});
