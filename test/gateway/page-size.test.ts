import {expect, test} from 'vitest';
import {PageSize} from '../../source/gateway/rest/page-size.ts';

interface Row {
	readonly message: {readonly id: number; readonly xid: string; readonly content: string};
}

/** Rows of that length, with ids from 1. */
function table(count: number, length: number): Row[] {
	const content = 'x'.repeat(length);
	return Array.from({length: count}, (_, at) => ({message: {id: at + 1, xid: '1', content}}));
}

const start = {xid: '0', id: 0};

async function read(all: readonly Row[], pages: PageSize, limit: number, asked: number[]): Promise<number[]> {
	const found = await pages.read(start, limit, async ({id}, count) => {
		asked.push(count);
		return all.slice(id, id + count);
	});
	return found.map(({message}) => message.id);
}

test('short messages are read in few requests, and no more are asked for than are wanted', async () => {
	const pages = new PageSize();
	const asked: number[] = [];
	expect(await read(table(2000, 100), pages, 501, asked)).toEqual(Array.from({length: 501}, (_, at) => at + 1));
	expect(asked).toEqual([32, 128, 341]);
	expect(await read(table(2000, 100), pages, 501, asked)).toHaveLength(501);
	expect(asked.slice(3)).toEqual([501]);
});

test('fewer rows than the limit mean that there are no more, and end the reading', async () => {
	const asked: number[] = [];
	expect(await read(table(3, 100), new PageSize(), 501, asked)).toEqual([1, 2, 3]);
	expect(asked).toEqual([32]);
	expect(await read(table(32, 100), new PageSize(), 501, asked)).toHaveLength(32);
	expect(asked).toEqual([32, 32, 128]);
});

test('a request asks for few of the longest messages', async () => {
	const asked: number[] = [];
	expect(await read(table(60, 262_144), new PageSize(), 501, asked)).toHaveLength(60);
	expect(asked).toEqual([32, 15, 15]);
});

test('after a request without a response, the next one asks for half', async () => {
	const pages = new PageSize();
	const asked: number[] = [];
	const failing = pages.read(start, 501, async (_, count) => {
		asked.push(count);
		throw new Error('too late');
	});
	await expect(failing).rejects.toThrow('too late');
	await read(table(1, 100), pages, 501, asked);
	expect(asked).toEqual([32, 16]);
});
