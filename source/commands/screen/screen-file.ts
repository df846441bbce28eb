import {randomBytes} from 'node:crypto';
import {open, readFile, rename, rm, type FileHandle} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {HubError} from '../../hub/files/error.ts';
import {makePrivateFolder} from '../../hub/files/private-file.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {mergedMarks} from '../../store/state/seen-marks.ts';
import {mergedRecent} from '../../tui/model/recent.ts';
import type {ScreenMemory} from '../../tui/run/keep-screen.ts';
import {parseScreen, serialized, type SavedScreen} from '../../tui/model/saved-screen.ts';

/** One file for each mailbox and tag, since ids and channels mean something else in another mailbox. */
export function screenFile(state: string, mailbox: string, tag: Tag): string {
	return join(state, `screen-${`${mailbox}-${tag}`.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 150)}.json`);
}

/** Reads the saved screen, and returns a function to save it again. A file that cannot be used is ignored, with a notice. */
export async function openScreenMemory(file: string): Promise<ScreenMemory> {
	const {saved, notice} = await read(file);
	return {saved, notice, save: screen => write(file, screen)};
}

async function read(file: string): Promise<{saved: SavedScreen | null; notice: string | null}> {
	let text: string;
	try {
		text = await readFile(file, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {saved: null, notice: null};
		return {saved: null, notice: `The layout in ${file} cannot be read (${reasonOf(error)}); starting with a new one.`};
	}
	const parsed = parseScreen(text);
	if (parsed === null)
		return {saved: null, notice: `The layout in ${file} is damaged and was ignored; starting with a new one.`};
	const {screen, damaged} = parsed;
	const notice =
		damaged.length === 0 ? null : `Part of the layout in ${file} is damaged and was ignored: ${damaged.join(', ')}.`;
	return {saved: screen, notice};
}

/** Replaces the whole file, merging the read marks of other screens that wrote it in the meantime. */
async function write(file: string, screen: SavedScreen): Promise<string | null> {
	const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
	try {
		makePrivateFolder(dirname(file));
		const {saved: other} = await read(file);
		const seen = screen.seen === null ? (other?.seen ?? null) : mergedMarks(screen.seen, other?.seen ?? null);
		const recent = other === null ? screen.recent : mergedRecent(screen.recent, other.recent);
		await writeNew(temporary, serialized({...screen, recent, seen}));
		await rename(temporary, file);
		return null;
	} catch (error) {
		await rm(temporary, {force: true}).catch(() => {});
		return `The layout cannot be saved in ${file}: ${reasonOf(error)}.`;
	}
}

async function writeNew(path: string, text: string): Promise<void> {
	let file: FileHandle | undefined;
	try {
		file = await open(path, 'wx', 0o600);
		await file.writeFile(text);
		await file.sync();
	} finally {
		await file?.close();
	}
}

function reasonOf(error: unknown): string {
	if (error instanceof HubError) return error.message.replace(/\.$/, '');
	return (error as NodeJS.ErrnoException).code ?? String(error);
}
