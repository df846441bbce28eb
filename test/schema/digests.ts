import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';

/*
 * A database applies each migration once. One that was edited afterwards leaves databases behind that no upgrade reaches, so
 * that what a released migration says never changes: a later one says it anew.
 */

const supabase = new URL('../../supabase/', import.meta.url);
const file = new URL('migrations.sha256', import.meta.url);

/** The written digests, as sha256sum writes them, by path below supabase/. */
export function writtenDigests(): Map<string, string> {
	if (!existsSync(file)) return new Map();
	const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
	return new Map(lines.map(line => [line.slice(66), line.slice(0, 64)]));
}

/** The digests of the migrations as they are now, in their order. */
export function presentDigests(): Map<string, string> {
	return new Map(
		['former/supabase/migrations', 'migrations'].flatMap(folder =>
			readdirSync(new URL(folder, supabase))
				.sort()
				.map(name => {
					const path = `${folder}/${name}`;
					return [
						path,
						createHash('sha256')
							.update(readFileSync(new URL(path, supabase)))
							.digest('hex'),
					] as const;
				}),
		),
	);
}

/** Adds the migrations that have no digest yet. Whoever edits one that was not released takes its line out first. */
export function writeDigests(): void {
	const all = new Map([...presentDigests(), ...writtenDigests()]);
	writeFileSync(file, [...all].map(([path, digest]) => `${digest}  ${path}\n`).join(''));
}
