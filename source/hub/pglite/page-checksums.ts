import {closeSync, openSync, readdirSync, readSync} from 'node:fs';
import {join} from 'node:path';

/** A page whose bytes are not those that PostgreSQL wrote. */
export interface DamagedPage {
	/** The path in the data directory. */
	readonly file: string;
	/** The number of the page in the relation, from 0. */
	readonly page: number;
}

/** Bytes. */
const pageSize = 8192;
/** Pages in each file of a relation. */
const segmentSize = 131_072;
/** Files of tables and indexes, of each fork and segment; other files have no pages. */
const relation = /^\d+(?:_(?:fsm|vm|init))?(?:\.(\d+))?$/;

/**
 * The first damaged page of a data directory, as pg_checksums finds it; null if there is none. The database must not be open, and must
 * have ended with a shutdown or a checkpoint. A page of zeros is unused. Throws Node's error.
 */
export function findDamagedPage(directory: string): DamagedPage | null {
	const folders = ['global', ...readdirSync(join(directory, 'base')).map(name => join('base', name))];
	for (const folder of folders) {
		for (const name of readdirSync(join(directory, folder))) {
			const found = relation.exec(name);
			if (found === null) continue;
			const file = join(folder, name);
			const page = firstDamaged(join(directory, file), Number(found[1] ?? 0) * segmentSize);
			if (page !== null) return {file, page};
		}
	}
	return null;
}

function firstDamaged(path: string, firstPage: number): number | null {
	const file = openSync(path, 'r');
	try {
		const bytes = Buffer.alloc(pageSize * 64);
		for (let page = firstPage; ;) {
			const length = readSync(file, bytes, 0, bytes.length, null);
			if (length === 0) return null;
			for (let at = 0; at < length; at += pageSize, page += 1) {
				if (at + pageSize > length) return isUnwritten(bytes.subarray(at, length), page) ? null : page;
				if (isDamaged(bytes.subarray(at, at + pageSize), page)) return page;
			}
		}
	} finally {
		closeSync(file);
	}
}

/**
 * Whether an incomplete page at the end of a file was never written completely. When the disk is full, extending or creating a relation
 * can leave the start of a page, which PostgreSQL ignores (mdnblocks) and writes again. But if it follows other pages and is not empty,
 * the file may have been truncated.
 */
function isUnwritten(beginning: Buffer, page: number): boolean {
	return page === 0 || beginning.every(byte => byte === 0);
}

/** PostgreSQL's page header (storage/bufpage.h): where the checksum and the end of the free space are. */
const checksumAt = 8;
const upperAt = 14;

function isDamaged(bytes: Buffer, page: number): boolean {
	if (bytes.readUInt16LE(upperAt) === 0) return bytes.some(byte => byte !== 0);
	const written = bytes.readUInt16LE(checksumAt);
	// Checksums are never 0, so 0 means that they are disabled.
	return written !== 0 && written !== checksumOf(bytes, page);
}

/** From storage/checksum_impl.h, like the rest of this file. */
const prime = 16_777_619;
const offsets = Uint32Array.of(
	0x5b1f36e9,
	0xb8525960,
	0x02ab50aa,
	0x1de66d2a,
	0x79ff467a,
	0x9bb9f8a3,
	0x217e7cd2,
	0x83e13d2c,
	0xf8d4474f,
	0xe39eb970,
	0x42c6ae16,
	0x993216fa,
	0x7b093b5d,
	0x98daff3c,
	0xf718902a,
	0x0b1c9cdb,
	0xe58f764b,
	0x187636bc,
	0x5d7b3bb1,
	0xe73de7de,
	0x92bec979,
	0xcca6c0b2,
	0x304a0979,
	0x85aa43d4,
	0x783125bb,
	0x6ca8eaa2,
	0xe407eac6,
	0x4b5cfc3e,
	0x9fbf8c76,
	0x15ca20be,
	0xf2ca9fd3,
	0x959bd756,
);

/** FNV-1a in 32 lanes; the page's number is hashed, too. */
function checksumOf(bytes: Buffer, page: number): number {
	const sums = offsets.slice();
	for (let at = 0; at < pageSize + 2 * 4 * sums.length; at += 4) {
		const lane = (at / 4) % sums.length;
		const word = at >= pageSize ? 0 : wordAt(bytes, at);
		const mixed = (sums[lane] ?? 0) ^ word;
		sums[lane] = Math.imul(mixed, prime) ^ (mixed >>> 17);
	}
	const folded = sums.reduce((whole, sum) => whole ^ sum, page);
	return ((folded >>> 0) % 65_535) + 1;
}

/** The two bytes of the checksum itself count as 0. */
function wordAt(bytes: Buffer, at: number): number {
	const word = bytes.readUInt32LE(at);
	return at === checksumAt ? word & 0xffff0000 : word;
}
