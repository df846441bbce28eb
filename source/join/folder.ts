import {createHash} from 'node:crypto';
import {existsSync, statSync} from 'node:fs';
import {type Tag} from '../mailbox/tag.ts';
import type {Launcher} from './entries.ts';
import {readText, type Edit} from './file-edit.ts';
import {planGuidance, planUnguide} from './guidance-file.ts';
import {planJoin, planLeave} from './mcp-file.ts';
import {placeFile, readPlace, type Place} from './place-file.ts';
import {planHooks, planUnhook} from './settings-file.ts';

type Files = Place['files'];

/**
 * What is written for an agent in its folder: its servers, its hooks, what it should know (and `guidance`, Markdown, beyond what
 * every agent is told). Rejects with MailboxError.
 */
export async function planFolder(
	folder: string,
	tag: Tag,
	launcher: Launcher,
	hook: string,
	guidance = '',
): Promise<Edit[]> {
	return [
		await planJoin(folder, tag, launcher),
		await planHooks(folder, tag, hook),
		await planGuidance(folder, tag, guidance),
	];
}

/**
 * The agent's place in our own home, with what leave needs to put the folder's files back to the byte: how they were, and
 * what join made of them.
 */
export async function planPlace(
	data: string,
	folder: string,
	edits: readonly Edit[],
	door: Pick<Place, 'tag' | 'url' | 'key' | 'token'>,
): Promise<Edit> {
	const former = readPlace(data, door.tag);
	const bare = await unplanned(folder, null);
	const files: Record<string, Files[string]> = {...former?.files};
	for (const [index, {file, before, after}] of edits.entries()) {
		const known = files[file];
		const untouched = bare[index]?.after === before;
		if (after === null) continue;
		if (untouched) files[file] = {before, sha256: digest(after)};
		// Joined before: what it was then is known only while nobody else has changed it since.
		else if (known !== undefined && known.sha256 === digest(before)) files[file] = {...known, sha256: digest(after)};
		else delete files[file];
	}
	const others = (await foldersOf(data, door.tag)).filter(other => other !== folder);
	return writing(data, {...door, folders: [...others, folder], files});
}

/**
 * Where the tag has its place: leave would take something out there. A folder that was removed, moved, or cleared by hand
 * does not count.
 */
export async function foldersOf(data: string, tag: Tag): Promise<string[]> {
	const folders: string[] = [];
	for (const folder of readPlace(data, tag)?.folders ?? []) if (await hasPlace(folder, tag)) folders.push(folder);
	return folders;
}

async function hasPlace(folder: string, tag: Tag): Promise<boolean> {
	if (statSync(folder, {throwIfNoEntry: false})?.isDirectory() !== true) return false;
	try {
		return (await unplanned(folder, tag)).some(({before, after}) => before !== after);
	} catch {
		// One of its files cannot be understood just now: nobody can say that the tag is gone from there.
		return true;
	}
}

/**
 * Takes out of the folder what join wrote for the tag, and its place with it when no other folder has it. The folder itself
 * need not be there any more.
 */
export async function planUnfolder(data: string, folder: string, tag: Tag): Promise<Edit[]> {
	const place = readPlace(data, tag);
	const edits = (await unplanned(folder, tag)).map(edit => {
		const known = place?.files[edit.file];
		const asLeft = known !== undefined && edit.after !== edit.before && known.sha256 === digest(edit.before);
		return asLeft ? {...edit, after: known.before} : edit;
	});
	const changes = edits.some(({before, after}) => before !== after);
	if (place === null || !(changes || place.folders.includes(folder))) return edits;
	const folders = (await foldersOf(data, tag)).filter(other => other !== folder);
	const files = Object.entries(place.files).filter(
		([path]) => existsSync(path) && !edits.some(({file}) => file === path),
	);
	const left = folders.length === 0 ? null : {...place, folders, files: Object.fromEntries(files)};
	return [...edits, await writing(data, left, tag)];
}

async function unplanned(folder: string, tag: Tag | null): Promise<Edit[]> {
	return [await planLeave(folder, tag), await planUnhook(folder, tag), await planUnguide(folder, tag)];
}

async function writing(data: string, place: Place | null, tag = place?.tag ?? ''): Promise<Edit> {
	const file = placeFile(data, tag);
	const after = place === null ? null : `${JSON.stringify(place, null, '\t')}\n`;
	return {file, before: await readText(file), after, mode: 0o600, remarks: []};
}

function digest(text: string | null): string {
	return createHash('sha256')
		.update(text ?? '')
		.digest('hex');
}
