import {gunzipSync, gzipSync} from 'node:zlib';

/** An entry of a tar file (POSIX 1003.1-1988), as somebody hostile would write it by hand. */
export interface Entry {
	readonly name: string;
	/** 0 file, 1 hard link, 2 symbolic link, 3 and 4 devices, 5 folder, 6 FIFO. */
	readonly type?: '0' | '1' | '2' | '3' | '4' | '5' | '6';
	readonly link?: string;
	readonly mode?: number;
	readonly uid?: number;
	readonly content?: string;
}

/** A backup with entries more: before the others, or behind them. */
export function withEntries(backup: Buffer, entries: readonly Entry[], where: 'before' | 'behind'): Buffer {
	const tar = gunzipSync(backup);
	const more = Buffer.concat(entries.map(block));
	if (where === 'before') return gzipSync(Buffer.concat([more, tar]));
	return gzipSync(Buffer.concat([tar.subarray(0, endOf(tar)), more, Buffer.alloc(1024)]));
}

/** Where the last entry ends; zeros follow. */
function endOf(tar: Buffer): number {
	let at = 0;
	while (at < tar.length && tar[at] !== 0) {
		const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
		at += 512 + Math.ceil(size / 512) * 512;
	}
	return at;
}

function block({name, type = '0', link = '', mode = 0o644, uid = 0, content = ''}: Entry): Buffer {
	const header = Buffer.alloc(512);
	const body = Buffer.from(content);
	const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
	header.write(name, 0, 100, 'latin1');
	header.write(octal(mode, 8), 100);
	header.write(octal(uid, 8), 108);
	header.write(octal(uid, 8), 116);
	header.write(octal(body.length, 12), 124);
	header.write(octal(0, 12), 136);
	header.write(type, 156);
	header.write(link, 157, 100, 'latin1');
	header.write('ustar\u000000', 257);
	header.fill(' ', 148, 156);
	const sum = header.reduce((total, byte) => total + byte, 0);
	header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
