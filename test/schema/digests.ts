import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';

/*
 * A database applies each migration once. If a migration is edited after its release, databases that have applied it never get the
 * change. So a released migration is never edited; a later one makes the change.
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
