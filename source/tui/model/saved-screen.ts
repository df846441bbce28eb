import {foldTag, isTag} from '../../mailbox/tag.ts';
import type {SeenMarks} from '../../store/state/seen-marks.ts';
import {emptyArrangement, type Arrangement} from './arrangement.ts';
import {isRecent, keptRecent, nothingRecent, type Recent} from './recent.ts';
import {welcomePane, type PaneId} from './pane-id.ts';

/** The part of the screen's state that is saved between runs. */
export interface SavedScreen {
	readonly arrangement: Pick<Arrangement, 'onScreen' | 'hidden' | 'pinned' | 'moved' | 'zoomed'>;
	readonly focus: PaneId;
	/** Recent searches and commands; files of earlier versions have none. */
	readonly recent: Recent;
	/** Null until the mailbox was loaded. */
	readonly seen: SeenMarks | null;
}

/** The maximum length of each saved list. */
const maxKept = 1000;

export function serialized({
	arrangement: {onScreen, hidden, pinned, moved, zoomed},
	focus,
	recent,
	seen,
}: SavedScreen): string {
	return `${JSON.stringify({
		version: 1,
		focus,
		zoomed,
		// The name in files of earlier versions.
		places: onScreen.slice(0, maxKept),
		hidden: [...hidden].slice(0, maxKept),
		pinned: [...pinned].slice(0, maxKept),
		moved: [...moved].slice(0, maxKept),
		recent: keptRecent(recent),
		seen: seen === null ? null : {...seen, marks: [...seen.marks]},
	})}\n`;
}

export interface ParsedScreen {
	readonly screen: SavedScreen;
	/** The fields of which something had to be ignored. */
	readonly damaged: readonly string[];
}

/**
 * Parses what `serialized` wrote; null for anything else. A damaged field costs itself alone, and a damaged entry of a list
 * only that entry.
 */
export function parseScreen(text: string): ParsedScreen | null {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return null;
	}
	if (!isRecord(value) || value['version'] !== 1) return null;
	const damaged: string[] = [];
	const field = <T>(name: string, read: (found: unknown) => T | undefined, otherwise: T): T => {
		const found = read(value[name]);
		if (found === undefined) damaged.push(name);
		return found ?? otherwise;
	};
	const list = <T>(name: string, isEntry: (entry: unknown) => entry is T): T[] => {
		const found = value[name];
		const entries = Array.isArray(found) ? found.slice(0, maxKept).filter(entry => isEntry(entry)) : [];
		if (!Array.isArray(found) || entries.length < found.length) damaged.push(name);
		return entries;
	};
	const screen = {
		arrangement: {
			onScreen: list('places', isPane),
			zoomed: field('zoomed', found => (typeof found === 'boolean' ? found : undefined), false),
			hidden: new Set(list('hidden', isPane)),
			pinned: new Set(list('pinned', isPane)),
			moved: new Map(list('moved', isNumbered)),
		},
		focus: field('focus', found => (isPane(found) ? found : undefined), welcomePane),
		recent: field('recent', readRecent, nothingRecent),
		// A mailbox that was never loaded has none, which is saved as null.
		seen: value['seen'] === null ? null : field('seen', marksIn, null),
	};
	return {screen, damaged};
}

/** The arrangement at the start. Channels are added as they become known. */
export function restored(saved: SavedScreen | null): Arrangement {
	return saved === null ? emptyArrangement : {...emptyArrangement, ...saved.arrangement};
}

/** Undefined if it is damaged; a mark that is damaged is left out. */
function marksIn(value: unknown): SeenMarks | undefined {
	if (!isRecord(value)) return undefined;
	const {epoch, from, marks} = value;
	if (typeof epoch !== 'string' || !isCount(from) || !Array.isArray(marks)) return undefined;
	return {epoch, from, marks: new Map(marks.slice(0, maxKept).filter(isNumbered))};
}

function readRecent(value: unknown): Recent | undefined {
	// Files of earlier versions have none.
	if (value === undefined) return nothingRecent;
	return isRecent(value) ? {searches: value.searches, commands: value.commands} : undefined;
}

function isRecord(value: unknown): value is {readonly [key: string]: unknown} {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
	return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Panes and feeds are named by us: folded tags, words after a `#`, or threads. */
function isPane(value: unknown): value is PaneId {
	if (typeof value !== 'string') return false;
	return /^#(?:[A-Z]{1,20}|THREAD:\d{1,16})$/i.test(value) || (isTag(value) && foldTag(value) === value);
}

function isNumbered(pair: unknown): pair is [PaneId, number] {
	return Array.isArray(pair) && pair.length === 2 && isPane(pair[0]) && isCount(pair[1]);
}
