import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, it, onTestFinished} from 'vitest';
import {findDamagedPage} from '../../../source/hub/pglite/page-checksums.ts';

/** The result for a relation with these bytes. */
function judge(...parts: readonly Buffer[]): unknown {
	const directory = mkdtempSync(join(tmpdir(), 'agentmux-pages-'));
	onTestFinished(() => rmSync(directory, {recursive: true}));
	for (const folder of ['global', 'base/5']) mkdirSync(join(directory, folder), {recursive: true});
	writeFileSync(join(directory, 'base/5/17127'), Buffer.concat(parts));
	return findDamagedPage(directory);
}

const unused = Buffer.alloc(8192);
const filled = (length: number): Buffer => Buffer.alloc(length, 7);

it('ignores the start of a page that was never written completely', () => {
	expect(judge()).toBeNull();
	expect(judge(filled(4096))).toBeNull();
	expect(judge(unused, Buffer.alloc(4096))).toBeNull();
});

it('names a page that was changed or cut off', () => {
	expect(judge(unused, filled(8192))).toEqual({file: 'base/5/17127', page: 1});
	expect(judge(unused, unused, filled(4096))).toEqual({file: 'base/5/17127', page: 2});
});
